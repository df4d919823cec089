"""Losses at matched FLOPs and p under masking: plotted numbers and sentences."""

import pandas as pd
from pydantic import BaseModel, ConfigDict

from analyses.nano_runs.masked_p import ALL, BINS
from analyses.nano_runs.report import Plotted
from analyses.nano_runs.seeds import SeedMean, mean_of_seeds, paired, values_of

PATTERNS = ("random", "sparse")
MEASURES = {"b": "mean_abs_dp", "c": "flip_rate"}
ROUTER_NAMES = {"learned": "two-sided", "one_sided": "one-sided"}


class Settings(BaseModel):
    """config.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    settings: tuple[str, ...]
    reference: str
    routers: tuple[str, ...]
    most_mismatch: float


def cost_of(settings: Settings, runs: pd.DataFrame, setting: str) -> pd.Series:
    """[MASK] loss less that of the reference, by seed."""
    return paired(
        values_of(runs, setting, "mask_loss"), values_of(runs, settings.reference, "mask_loss")
    )


def mismatch_of(runs: pd.DataFrame, setting: str) -> pd.Series:
    """Spent FLOPs less the budget, as a share of the budget, by seed."""
    return values_of(runs, setting, "flops") / values_of(runs, setting, "budget") - 1


def masked_values(
    masked: pd.DataFrame, setting: str, pattern: str, distance: str, column: str
) -> pd.Series:
    """A column of masked.tsv by seed; seeds without such an edge are left out."""
    chosen = masked[(masked["pattern"] == pattern) & (masked["distance"] == distance)]
    return values_of(chosen, setting, column).dropna()


def summarise(settings: Settings, runs: pd.DataFrame, masked: pd.DataFrame) -> pd.DataFrame:
    """Plotted numbers: a difference in loss, b mean |dp| and c flip rate by distance.

    In b and c the series is `router, pattern` and x the number of the distance's bin.
    """
    plotted = Plotted()
    for at, setting in enumerate(settings.settings):
        cost = cost_of(settings, runs, setting)
        plotted.add_seeds("a", setting, at, cost)
        plotted.add_mean("a", setting, at, mean_of_seeds(cost.tolist()))
    for panel, column in MEASURES.items():
        for router in settings.routers:
            for pattern in PATTERNS:
                for at, (name, _, _) in enumerate(BINS):
                    values = masked_values(masked, router, pattern, name, column)
                    plotted.add_seeds(panel, f"{router}, {pattern}", at, values)
                    found = mean_of_seeds(values.tolist())
                    plotted.add_mean(panel, f"{router}, {pattern}", at, found)
    return plotted.table()


def describe(settings: Settings, runs: pd.DataFrame, masked: pd.DataFrame) -> tuple[str, ...]:
    """The outcome, a paragraph an endpoint."""
    reference = _over(values_of(runs, settings.reference, "mask_loss"))
    costs = []
    for name in settings.settings:
        found = _over(cost_of(settings, runs, name))
        verdict = found.verdict("worse than learned", "better than learned")
        costs.append(f"{name}: {found.text(4, signed=True)} nat, {verdict}")
    return (
        f"**Loss at matched FLOPs.** Learned {reference.text(4)}. Difference from it: "
        f"{'; '.join(costs)}.",
        _describe_matching(settings, runs),
        _describe_overall(settings, masked),
        _describe_distances(settings, masked),
    )


def _over(values: pd.Series) -> SeedMean:
    return mean_of_seeds(values.tolist())


def _describe_matching(settings: Settings, runs: pd.DataFrame) -> str:
    parts = []
    for name in settings.settings:
        mismatch = mismatch_of(runs, name)
        if mismatch.empty:
            parts.append(f"{name}: no run yet")
            continue
        steps = values_of(runs, name, "steps").astype(int)
        worst = float(mismatch.abs().max())
        met = "" if worst < settings.most_mismatch else ", more than declared"
        spread = f"{steps.min()}" if steps.nunique() == 1 else f"{steps.min()} to {steps.max()}"
        parts.append(f"{name}: {spread} steps, at most {100 * worst:.2f} % off the budget{met}")
    return (
        f"**FLOPs.** Wanted within {100 * settings.most_mismatch:g} % of what the learned run of "
        f"the same seed spent. {'; '.join(parts)}."
    )


def _describe_overall(settings: Settings, masked: pd.DataFrame) -> str:
    parts = []
    for router in settings.routers:
        found = {
            column: _over(masked_values(masked, router, "random", ALL, column))
            for column in (
                "mean_abs_dp", "correlation", "flip_rate", "boundary_rate_clean",
                "boundary_rate_masked",
            )
        }  # fmt: skip
        if not found["mean_abs_dp"].n_seeds:
            parts.append(f"{ROUTER_NAMES[router]}: not measured")
            continue
        parts.append(
            f"{ROUTER_NAMES[router]}: mean |dp| {found['mean_abs_dp'].text(3)}, correlation "
            f"{found['correlation'].mean:.3f}, {100 * found['flip_rate'].mean:.1f} % of hard "
            f"boundaries flip, boundary rate {found['boundary_rate_clean'].mean:.3f} clean and "
            f"{found['boundary_rate_masked'].mean:.3f} masked"
        )
    reference, other = settings.routers
    difference = _over(
        paired(
            masked_values(masked, other, "random", ALL, "mean_abs_dp"),
            masked_values(masked, reference, "random", ALL, "mean_abs_dp"),
        )
    )
    verdict = difference.verdict("one-sided moves more", "one-sided moves less")
    return (
        f"**15 % shown as [MASK], all edges.** {'; '.join(parts)}. One-sided less two-sided, mean "
        f"|dp|: {difference.text(3, signed=True)}, {verdict}."
    )


def _describe_distances(settings: Settings, masked: pd.DataFrame) -> str:
    parts = []
    for router in settings.routers:
        for pattern, words in (("random", "15 % masked"), ("sparse", "one base in 256")):
            by_bin = []
            for name, _, _ in BINS:
                change, flips = (
                    masked_values(masked, router, pattern, name, column)
                    for column in MEASURES.values()
                )
                if len(change):
                    by_bin.append(f"{name}: {change.mean():.3f} ({100 * flips.mean():.1f} %)")
            if by_bin:
                parts.append(f"{ROUTER_NAMES[router]}, {words}: {', '.join(by_bin)}")
    return (
        "**By distance** in bases from the nearest masked one (1: the edge touches it), mean |dp| "
        f"and flipped hard boundaries, means over seeds. {'; '.join(parts)}."
    )
