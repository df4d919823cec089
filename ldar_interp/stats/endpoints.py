"""The rows of the enrichment table: every statistic of one kind and rung at one offset."""

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ldar_interp.boundaries.track import SIGNALS, call_boundaries
from ldar_interp.stats.effects import (
    Effect,
    detectable_effect,
    estimate_auroc,
    estimate_odds_ratio,
)
from ldar_interp.stats.pairs import PairIndex, Pairs
from ldar_interp.stats.resample import MeanInterval, SignFlipTest

ENRICHMENT_COLUMNS = (
    *("model", "signal", "kind", "control", "statistic", "offset", "effect", "ci_low", "ci_high"),
    *("p_value", "q_value", "n_sites", "n_controls", "n_groups", "n_dropped", "method", "seed"),
)
PRIMARY_STATISTIC = "mean_difference"
PROB = "prob"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the caller of `enrichment` chose; see there."""

    model: str
    signal: str
    n_boot: int
    n_flips: int
    seed: int
    primary: tuple[str, ...]
    min_sites: int
    min_groups: int

    @property
    def bounds(self) -> tuple[float, float]:
        """What one value can be: a probability, or a probability less its expectation."""
        return SIGNALS[self.signal]

    def rng(self, *purpose: str) -> np.random.Generator:
        """A stream of its own for each purpose: leaving out a kind changes no other number."""
        return np.random.default_rng([self.seed, zlib.crc32("\0".join(purpose).encode())])


@dataclass(frozen=True, slots=True, eq=False)
class _Evaluated:
    """The pairs of one column that have both values, and what every row says about them."""

    site: NDArray[np.float32]
    control: NDArray[np.float32]
    group: NDArray[np.str_]
    n_dropped: int
    n_unmatched: int

    @classmethod
    def at(cls, pairs: Pairs, column: int) -> "_Evaluated":
        site, control = pairs.site[:, column], pairs.control[:, column]
        known = ~np.isnan(site - control)
        return cls(
            site[known], control[known], pairs.group[known], int((~known).sum()), pairs.n_unmatched
        )

    @property
    def n_groups(self) -> int:
        return int(np.unique(self.group).size)

    def row(
        self, given: Settings, kind: str, rung: str, part: "_Statistic", offset: int | None
    ) -> dict[str, object]:
        """One row of the table; no interval where pairs or groups are too few."""
        n_groups, nan = self.n_groups, float("nan")
        enough = self.site.size >= given.min_sites and n_groups >= given.min_groups
        how = (
            f"{part.what}; studentised cluster bootstrap of groups, {given.n_boot} resamples"
            f"{part.tested}"
            if enough
            else f"too few: {self.site.size} pairs in {n_groups} groups, wanted {given.min_sites} "
            f"in {given.min_groups}; {part.what}"
        )
        unmatched = f"; {self.n_unmatched} sites without a control" if self.n_unmatched else ""
        return _row(
            given,
            kind,
            rung,
            part.name,
            Effect(
                part.effect.estimate,
                part.effect.low if enough else nan,
                part.effect.high if enough else nan,
                part.effect.standard_error,
            ),
            part.p_value,
            {
                "n_sites": int(self.site.size),
                "n_controls": int(self.control.size),
                "n_groups": n_groups,
                "n_dropped": self.n_dropped,
            },
            f"{how}; minimum detectable effect {part.least} (80% power, two-sided 5%){unmatched}",
            offset,
        )


@dataclass(frozen=True, slots=True)
class _Statistic:
    """One effect and how it is told: what it is, how it was tested, the least that can be seen."""

    name: str
    effect: Effect
    what: str
    least: str
    p_value: float = float("nan")
    tested: str = ""


def compare_mean(
    pairs: Pairs,
    column: int,
    interval: MeanInterval,
    test: SignFlipTest | None,
    kind: str,
    rung: str,
    given: Settings,
    *,
    statistic: str = PRIMARY_STATISTIC,
    offset: int | None = 0,
) -> dict[str, object]:
    """The row of a mean difference: a column of the pairs, its interval and, if any, its test."""
    at = _Evaluated.at(pairs, column)
    mean = Effect(
        float(interval.mean[column]),
        float(interval.low[column]),
        float(interval.high[column]),
        float(interval.standard_error[column]),
    )
    part = _Statistic(
        statistic,
        mean,
        "site - control, mean over pairs of draw 0",
        f"{detectable_effect(mean.standard_error, at.n_groups):.3g}",
        # NaN where too few.
        float("nan") if test is None else float(test.p_value[column]),
        "" if test is None else f"; two-sided studentised sign flips of groups, B={test.n_flips}",
    )
    return at.row(given, kind, rung, part, offset)


def compare_distributions(
    pairs: Pairs, column: int, kind: str, rung: str, given: Settings
) -> list[dict[str, object]]:
    """Effects beside the mean at offset 0, without tests; hard boundaries exist for p only."""
    at = _Evaluated.at(pairs, column)
    auroc = estimate_auroc(
        at.site, at.control, at.group, n_boot=given.n_boot, rng=given.rng("auroc", kind, rung)
    )
    cliffs = Effect(
        2 * auroc.estimate - 1, 2 * auroc.low - 1, 2 * auroc.high - 1, 2 * auroc.standard_error
    )
    least = detectable_effect(auroc.standard_error, at.n_groups)
    parts = [
        _Statistic("auroc", auroc, "P(site > control) + ties/2, draw 0", f"0.5 +- {least:.3g}"),
        _Statistic("cliffs_delta", cliffs, "2 AUROC - 1, draw 0", f"{2 * least:.3g}"),
    ]
    if given.signal == PROB:
        odds = estimate_odds_ratio(
            call_boundaries(at.site),
            call_boundaries(at.control),
            at.group,
            n_boot=given.n_boot,
            rng=given.rng("odds", kind, rung),
        )
        factor = np.exp(detectable_effect(odds.standard_error, at.n_groups))
        parts.append(
            _Statistic(
                "boundary_odds_ratio",
                odds,
                "odds of p > 0.5, 1/2 added to each cell, draw 0",
                f"factor {factor:.3g}",
            )
        )
    return [at.row(given, kind, rung, part, 0) for part in parts]


def range_over_draws(
    index: PairIndex, column: int, kind: str, rung: str, given: Settings
) -> list[dict[str, object]]:
    """How much the estimate depends on which controls were drawn; no row with one draw only."""
    draws = index.draws_of(kind, rung)
    if len(draws) < 2:
        return []
    estimates, rows_used, groups, n_controls, n_dropped = [], set(), set(), 0, 0
    for draw in draws:
        pairs = index.pair(kind, rung, draw)
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
            Effect(middle, low, high, float("nan")),
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
    effect: Effect,
    p_value: float,
    counts: dict[str, int],
    method: str,
    offset: int | None = 0,
) -> dict[str, object]:
    return {
        "model": given.model,
        "signal": given.signal,
        "kind": kind,
        "control": rung,
        "statistic": statistic,
        "offset": offset,
        "effect": effect.estimate,
        "ci_low": effect.low,
        "ci_high": effect.high,
        "p_value": p_value,
        "q_value": float("nan"),
        **counts,
        "method": method,
        "seed": given.seed,
    }
