"""Run the pipeline controls of splice_profile on the embedded region: tables and one figure.

Example: python -m analyses.splice_controls.run --force

Only random numbers and untrained models go in, so nothing that comes out is about splicing: it is
about the tool. Tracks of untrained models are kept in --cache and reused.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from analyses.splice_controls.experiments import (
    apply_nulls,
    collect_both,
    compare,
    compare_all_draws,
    list_kinds,
    plant_in_pairs,
    plant_on_tracks,
)
from analyses.splice_controls.settings import RUNGS, Settings
from analyses.splice_controls.summarise import (
    describe_outcome,
    rate_of_draws,
    summarise_effects,
    summarise_nulls,
    summarise_planted,
)
from analyses.splice_controls.tracks import cut_at_grid, cut_at_random, extract_untrained
from ldar_interp.boundaries.track import BoundaryTrack
from ldar_interp.command_line import (
    merge_settings,
    one_line_errors,
    result_folder,
    run_program,
    say,
)
from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.sites.controls import ControlLadder

PROGRAM = "splice_controls"
FOLDER = Path(__file__).resolve().parent
CONTROL_FLANK_BP = 100
MIN_SITES, MIN_LOCI = 20, 10


def main(
    config: Annotated[Path, typer.Option(help="Settings.")] = FOLDER / "config.toml",
    out: Annotated[Path, typer.Option(help="Folder for the figure.")] = Path(
        "figures/splice_controls"
    ),
    cache: Annotated[Path, typer.Option(help="Folder for the untrained models' tracks.")] = Path(
        "runs/splice_controls"
    ),
    fasta: Annotated[Path | None, typer.Option(help="[default: embedded region]")] = None,
    gtf: Annotated[Path | None, typer.Option(help="[default: embedded region]")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier result.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """Does splice_profile say nothing when there is nothing, and find what is planted?"""
    from ldar_interp.assets.demo import DEMO_FASTA, DEMO_GTF

    with one_line_errors(PROGRAM, debug=debug):
        settings = merge_settings(Settings, config, {})
        with result_folder(out, force=force) as folder:
            run(settings, folder, fasta=fasta or DEMO_FASTA, gtf=gtf or DEMO_GTF, cache=cache)
        say(f"{PROGRAM}: results in {out}")


def run(settings: Settings, folder: Path, *, fasta: Path, gtf: Path, cache: Path | None) -> None:
    """Compute everything and write the figure, its numbers and their provenance into `folder`."""
    from analyses.splice_controls.figure import draw_controls
    from ldar_interp.plots.save import save_figure
    from ldar_interp.provenance import describe_input, hash_file, write_provenance

    ladder, fixed, untrained = _make_tracks(settings, fasta, gtf, cache)
    profiles = {name: collect_both(track, ladder, settings) for name, track in untrained.items()}
    results = {name: compare(*found, settings) for name, found in profiles.items()}
    cuts = {
        name: compare(*collect_both(track, ladder, settings), settings)
        for name, track in fixed.items()
    }
    say(f"{PROGRAM}: effects of {len(cuts)} fixed or random cuts and {len(results)} models done")
    tests = apply_nulls(profiles, settings)
    say(f"{PROGRAM}: {len(tests)} tests of swapped labels done")
    recovered = plant_on_tracks(untrained, results, ladder, settings)
    repeats = plant_in_pairs(profiles, settings)
    say(f"{PROGRAM}: planted differences done")
    draws = compare_all_draws(profiles, settings)
    data = pd.concat(
        [
            summarise_nulls(tests, settings.alpha),
            rate_of_draws(draws, settings.alpha),
            summarise_effects("c", cuts),
            summarise_effects("d", results),
            summarise_planted(
                recovered, repeats, control=settings.planted.rung, alpha=settings.alpha
            ),
        ],
        ignore_index=True,
    )
    data.to_csv(folder / "data.tsv", sep="\t", index=False, float_format="%.6g")
    save_figure(draw_controls(data, alpha=settings.alpha), folder / PROGRAM, formats=("pdf", "png"))
    outcome = describe_outcome(tests, data, settings.alpha)
    outcome["planted"] = _describe_planted(recovered)
    outcome["effects in all draws"] = _describe_draws(results)
    outcome["draw against next draw"] = draws.to_dict(orient="records")
    written = sorted(path.name for path in folder.iterdir())
    write_provenance(
        folder / "provenance.json",
        {
            "program": PROGRAM,
            "files": {name: hash_file(folder / name) for name in written},
            "arguments": settings.model_dump(mode="json"),
            "inputs": {"fasta": describe_input(fasta), "gtf": describe_input(gtf)},
            "seed": settings.seed,
            "counts": {
                "sites": len(ladder.sites),
                "loci": int(ladder.sites["group"].nunique()),
                "controls": ladder.counts,
                "extraction": {name: track.provenance for name, track in untrained.items()},
            },
            "outcome": outcome,
        },
    )


def _make_tracks(
    settings: Settings, fasta: Path, gtf: Path, cache: Path | None
) -> tuple[ControlLadder, dict[str, BoundaryTrack], dict[str, BoundaryTrack]]:
    """The ladder, tracks that know no letters, and tracks of untrained models, by name."""
    from ldar_interp.sites.controls import build_controls
    from ldar_interp.sites.gencode import load_splice_sites

    with Genome(fasta) as genome:
        annotation = load_splice_sites(gtf, genome)
        ladder = build_controls(
            annotation.sites,
            genome,
            annotation=annotation,
            rungs=RUNGS,
            n_draws=settings.n_draws,
            flank_bp=CONTROL_FLANK_BP,
            seed=settings.seed,
        )
        _check_size(ladder, gtf)
        period = settings.fixed_cuts.period_bp
        fixed = {
            f"grid, phase {phase}": cut_at_grid(genome.segments, period_bp=period, phase=phase)
            for phase in range(period)
        }
        fixed |= {
            f"random cuts, seed {seed}": cut_at_random(genome.segments, rate=1 / period, seed=seed)
            for seed in settings.fixed_cuts.random_seeds
        }
        chosen = settings.random_models
        untrained = {
            f"random weights, seed {seed}": extract_untrained(
                genome,
                [ladder.sites, ladder.table],
                preset=chosen.preset,
                seed=seed,
                window_bp=chosen.window_bp,
                margin_bp=chosen.margin_bp,
                flank_bp=settings.flank_bp,
                fasta_sha256=genome.sha256,
                cache=cache,
            )
            for seed in chosen.seeds
        }
    return ladder, fixed, untrained


def _check_size(ladder: ControlLadder, gtf: Path) -> None:
    """Say how much there is; with less than the tests ask for there is nothing to control."""
    for kind in list_kinds(ladder.sites):
        for rung in RUNGS:
            chosen = (ladder.table["kind"] == kind) & (ladder.table["set"] == rung)
            found = ladder.table[chosen & (ladder.table["draw"] == 0)]
            n_loci = found["group"].nunique()
            if len(found) < MIN_SITES or n_loci < MIN_LOCI:
                raise InputError(
                    f"{gtf}: {len(found)} {kind}s in {n_loci} loci have a control in {rung}; "
                    f"wanted {MIN_SITES} in {MIN_LOCI}: use a larger region"
                )
    n_loci = ladder.sites["group"].nunique()
    say(f"{PROGRAM}: {len(ladder.sites)} sites in {n_loci} loci")


def _describe_draws(results: Mapping[str, pd.DataFrame]) -> list[dict[str, Any]]:
    """Mean, smallest and largest effect of untrained models over the draws of controls."""
    joined = pd.concat([table.assign(model=name) for name, table in results.items()])
    mine = joined[joined["statistic"] == "mean_difference_draw_range"]
    renamed = mine.rename(columns={"effect": "mean", "ci_low": "smallest", "ci_high": "largest"})
    chosen = renamed[["model", "kind", "control", "mean", "smallest", "largest"]]
    return list(chosen.to_dict(orient="records"))


def _describe_planted(recovered: pd.DataFrame) -> dict[str, Any]:
    error = (recovered["change"] - (recovered["delta"] - recovered["lost"])).abs()
    return {
        "largest_error_of_recovered_effect": float(error.max()),
        "clipped_share_by_delta": {
            f"{delta:g}": float(part["n_clipped"].sum() / part["n_planted"].sum())
            for delta, part in recovered.groupby("delta", sort=True)
        },
        "edges_without_value": int(recovered["n_missing"].max()),
    }


if __name__ == "__main__":
    run_program(main)
