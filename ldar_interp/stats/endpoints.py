"""The rows of the enrichment table: every statistic of one kind and rung at one offset."""

import zlib
from dataclasses import dataclass

import numpy as np

from ldar_interp.boundaries.track import call_boundaries
from ldar_interp.profiles import Profiles
from ldar_interp.stats.effects import (
    Effect,
    detectable_effect,
    estimate_auroc,
    estimate_odds_ratio,
)
from ldar_interp.stats.pairs import Pairs, draws_of, pair_sites
from ldar_interp.stats.resample import MeanInterval, SignFlipTest

ENRICHMENT_COLUMNS = (
    *("model", "kind", "control", "statistic", "offset", "effect", "ci_low", "ci_high"),
    *("p_value", "q_value", "n_sites", "n_controls", "n_groups", "n_dropped", "method", "seed"),
)
PRIMARY_STATISTIC = "mean_difference"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the caller of `enrichment` chose; see there."""

    model: str
    n_boot: int
    n_flips: int
    seed: int
    primary: tuple[str, ...]
    min_sites: int
    min_groups: int

    def rng(self, *purpose: str) -> np.random.Generator:
        """A stream of its own for each purpose: leaving out a kind changes no other number."""
        return np.random.default_rng([self.seed, zlib.crc32("\0".join(purpose).encode())])


def compare_at(
    pairs: Pairs,
    column: int,
    interval: MeanInterval,
    test: SignFlipTest | None,
    kind: str,
    rung: str,
    given: Settings,
) -> list[dict[str, object]]:
    """The four statistics at one offset, one row each."""
    site, control = pairs.site[:, column], pairs.control[:, column]
    known = ~np.isnan(site - control)
    site, control, group = site[known], control[known], pairs.group[known]
    n_groups = int(np.unique(group).size)
    enough = site.size >= given.min_sites and n_groups >= given.min_groups
    counts = {
        "n_sites": int(site.size),
        "n_controls": int(control.size),
        "n_groups": n_groups,
        "n_dropped": int((~known).sum()),
    }
    mean = Effect(
        float(interval.mean[column]),
        float(interval.low[column]),
        float(interval.high[column]),
        float(interval.standard_error[column]),
    )
    auroc = estimate_auroc(
        site, control, group, n_boot=given.n_boot, rng=given.rng("auroc", kind, rung)
    )
    odds = estimate_odds_ratio(
        call_boundaries(site),
        call_boundaries(control),
        group,
        n_boot=given.n_boot,
        rng=given.rng("odds", kind, rung),
    )
    nan = float("nan")
    cliffs = Effect(
        2 * auroc.estimate - 1, 2 * auroc.low - 1, 2 * auroc.high - 1, 2 * auroc.standard_error
    )
    smallest = {
        name: detectable_effect(effect.standard_error, n_groups)
        for name, effect in (("mean", mean), ("auroc", auroc), ("cliffs", cliffs), ("odds", odds))
    }
    bootstrap = f"studentised cluster bootstrap of groups, {given.n_boot} resamples"
    flips = ""
    p_value = nan
    if test is not None:  # NaN where too few
        p_value = float(test.p_value[column])
        flips = f"; two-sided studentised sign flips of groups, B={test.n_flips}"
    unmatched = f"; {pairs.n_unmatched} sites without a control" if pairs.n_unmatched else ""
    listed = (
        (
            PRIMARY_STATISTIC,
            mean,
            p_value,
            "site - control, mean over pairs of draw 0",
            flips,
            f"{smallest['mean']:.3g}",
        ),
        (
            "auroc",
            auroc,
            nan,
            "P(site > control) + ties/2, draw 0",
            "",
            f"0.5 +- {smallest['auroc']:.3g}",
        ),
        ("cliffs_delta", cliffs, nan, "2 AUROC - 1, draw 0", "", f"{smallest['cliffs']:.3g}"),
        (
            "boundary_odds_ratio",
            odds,
            nan,
            "odds of p > 0.5, 1/2 added to each cell, draw 0",
            "",
            f"factor {np.exp(smallest['odds']):.3g}",
        ),
    )
    rows = []
    for statistic, effect, p, what, tested, least in listed:
        method = (
            f"{what}; {bootstrap}{tested}"
            if enough
            else (
                f"too few: {site.size} pairs in {n_groups} groups, wanted {given.min_sites} in "
                f"{given.min_groups}; {what}"
            )
        )
        rows.append(
            _row(
                given,
                kind,
                rung,
                statistic,
                effect.estimate,
                effect.low if enough else nan,
                effect.high if enough else nan,
                p,
                counts,
                f"{method}; minimum detectable effect {least} (80% power, two-sided 5%){unmatched}",
            )
        )
    return rows


def range_over_draws(
    profiles: Profiles, controls: Profiles, column: int, kind: str, rung: str, given: Settings
) -> list[dict[str, object]]:
    """How much the estimate depends on which controls were drawn; no row with one draw only."""
    table = controls.sites
    chosen = (table["kind"] == kind) & (table["set"] == rung)
    draws = sorted(set(draws_of(table)[chosen.to_numpy()].tolist()))
    if len(draws) < 2:
        return []
    estimates, rows_used, groups, n_controls, n_dropped = [], set(), set(), 0, 0
    for draw in draws:
        pairs = pair_sites(profiles, controls, kind=kind, control=rung, draw=draw)
        difference = pairs.difference[:, column]
        known = ~np.isnan(difference)
        if known.any():
            estimates.append(float(difference[known].mean()))
        rows_used.update(pairs.site_rows[known].tolist())
        groups.update(pairs.group[known].tolist())
        n_controls += int(known.sum())
        n_dropped += int((~known).sum())
    counts = {
        "n_sites": len(rows_used),
        "n_controls": n_controls,
        "n_groups": len(groups),
        "n_dropped": n_dropped,
    }
    low, middle, high = (
        (min(estimates), float(np.mean(estimates)), max(estimates))
        if estimates
        else (float("nan"),) * 3
    )
    return [
        _row(
            given,
            kind,
            rung,
            "mean_difference_draw_range",
            middle,
            low,
            high,
            float("nan"),
            counts,
            f"mean_difference in each of {len(draws)} draws of controls: effect is their "
            "mean, ci_low and ci_high their minimum and maximum, not a confidence interval; draws "
            "share controls, and all but the first are matched less closely",
        )
    ]


def _row(
    given: Settings,
    kind: str,
    rung: str,
    statistic: str,
    effect: float,
    low: float,
    high: float,
    p_value: float,
    counts: dict[str, int],
    method: str,
) -> dict[str, object]:
    return {
        "model": given.model,
        "kind": kind,
        "control": rung,
        "statistic": statistic,
        "offset": 0,
        "effect": effect,
        "ci_low": low,
        "ci_high": high,
        "p_value": p_value,
        "q_value": float("nan"),
        **counts,
        "method": method,
        "seed": given.seed,
    }
