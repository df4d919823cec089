"""The experiments, each for every model and kind; a table of single tests each."""

from collections.abc import Mapping

import pandas as pd

from analyses.splice_controls.nulls import compare_draws, pair_at_edge, run_null_tests
from analyses.splice_controls.planted import measure_power, plant
from analyses.splice_controls.settings import RUNGS, Settings
from ldar_interp.boundaries.track import BoundaryTrack
from ldar_interp.profiles import Profiles, collect
from ldar_interp.sites.controls import ControlLadder
from ldar_interp.stats.enrichment import enrichment
from ldar_interp.stats.resample import sign_flip_test


def collect_both(
    track: BoundaryTrack, ladder: ControlLadder, settings: Settings
) -> tuple[Profiles, Profiles]:
    return (
        collect(track, ladder.sites, flank_bp=settings.flank_bp),
        collect(track, ladder.table, flank_bp=settings.flank_bp),
    )


def compare(sites: Profiles, controls: Profiles, settings: Settings) -> pd.DataFrame:
    """The library's enrichment table. C0 is tested as well here: these are controls, no claims."""
    found = enrichment(
        sites,
        controls,
        model="random",
        n_boot=settings.n_boot,
        n_flips=settings.n_flips,
        seed=settings.seed,
        primary=RUNGS,
    )
    return found.enrichment


def _effect(table: pd.DataFrame, kind: str, control: str) -> float:
    chosen = (
        (table["kind"] == kind)
        & (table["control"] == control)
        & (table["statistic"] == "mean_difference")
    )
    return float(table.loc[chosen, "effect"].iloc[0])


def apply_nulls(
    profiles: Mapping[str, tuple[Profiles, Profiles]], settings: Settings
) -> pd.DataFrame:
    """`run_null_tests` of every model, kind and rung."""
    return pd.concat(
        [
            run_null_tests(
                sites,
                controls,
                model=name,
                kind=kind,
                control=rung,
                n_repeats=settings.null_tests.n_repeats,
                n_flips=settings.n_flips,
                rng=settings.rng("nulls", name, kind, rung),
            )
            for name, (sites, controls) in profiles.items()
            for kind in list_kinds(sites.sites)
            for rung in RUNGS
        ],
        ignore_index=True,
    )


def compare_all_draws(
    profiles: Mapping[str, tuple[Profiles, Profiles]], settings: Settings
) -> pd.DataFrame:
    """Every draw of controls against the next one, as they were built.

    Returns
    -------
    `model, kind, control, first_draw, effect, p_value`.
    """
    rows = []
    for name, (sites, controls) in profiles.items():
        for kind in list_kinds(sites.sites):
            for rung in RUNGS:
                for first in range(settings.n_draws - 1):
                    pairs = compare_draws(
                        controls, first=first, second=first + 1, kind=kind, control=rung
                    )
                    found = sign_flip_test(
                        pairs.difference,
                        pairs.group,
                        n_flips=settings.n_flips,
                        rng=settings.rng("draws", name, kind, rung, str(first)),
                    )
                    effect = float(pairs.difference.mean())
                    rows.append((name, kind, rung, first, effect, float(found.p_value[0])))
    return pd.DataFrame(
        rows, columns=["model", "kind", "control", "first_draw", "effect", "p_value"]
    )


def plant_on_tracks(
    tracks: Mapping[str, BoundaryTrack],
    before: Mapping[str, pd.DataFrame],
    ladder: ControlLadder,
    settings: Settings,
) -> pd.DataFrame:
    """Change of the reported effect after planting on the track.

    Returns
    -------
    `model, kind, delta, change, lost, n_planted, n_clipped, n_missing`; `delta - lost` is what
    was really planted, on average over all sites of the kind.
    """
    rung = settings.planted.rung
    rows = []
    for name, track in tracks.items():
        for kind in list_kinds(ladder.sites):
            of_kind = ladder.sites[ladder.sites["kind"] == kind]
            matched = ladder.table[(ladder.table["set"] == rung) & (ladder.table["draw"] == 0)]
            paired = of_kind[of_kind["site_id"].isin(matched["matched_to"])]
            for delta in settings.planted.deltas:
                raised = plant(track, paired, delta)
                sites = collect(raised.track, of_kind, flank_bp=settings.flank_bp)
                controls = collect(
                    raised.track,
                    matched[matched["kind"] == kind],
                    flank_bp=settings.flank_bp,
                )
                change = _effect(compare(sites, controls, settings), kind, rung) - _effect(
                    before[name], kind, rung
                )
                counts = (raised.n_planted, raised.n_clipped, raised.n_missing)
                rows.append((name, kind, delta, change, raised.lost, *counts))
    columns = ["model", "kind", "delta", "change", "lost", "n_planted", "n_clipped", "n_missing"]
    return pd.DataFrame(rows, columns=columns)


def plant_in_pairs(
    profiles: Mapping[str, tuple[Profiles, Profiles]], settings: Settings
) -> pd.DataFrame:
    """`measure_power` of every model, kind and size, and of nothing planted."""
    parts = []
    for name, (sites, controls) in profiles.items():
        for kind in list_kinds(sites.sites):
            pairs = pair_at_edge(sites, controls, kind=kind, control=settings.planted.rung)
            for delta in (0.0, *settings.planted.deltas):
                found = measure_power(
                    pairs,
                    delta,
                    n_repeats=settings.planted.n_repeats,
                    n_flips=settings.n_flips,
                    n_boot=settings.n_boot,
                    rng=settings.rng("planted", name, kind, f"{delta:g}"),
                )
                parts.append(found.assign(model=name, kind=kind, delta=delta))
    return pd.concat(parts, ignore_index=True)


def list_kinds(table: pd.DataFrame) -> list[str]:
    """Kinds of a SiteTable, donors first."""
    return sorted(set(table["kind"].tolist()), reverse=True)
