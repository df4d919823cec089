"""Losses at matched FLOPs and p under masking: plotted numbers and sentences."""

import pandas as pd
from pydantic import BaseModel, ConfigDict

from analyses.nano_runs.masked_p import ALL, BINS
from analyses.nano_runs.report import Plotted
from analyses.nano_runs.seeds import SeedMean, mean_of_seeds, paired, values_of
from analyses.outcome import markdown_table

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
    """The outcome: losses and FLOPs by setting, then p under masking by router."""
    reference, other = settings.routers
    difference = _over(
        paired(
            masked_values(masked, other, "random", ALL, "mean_abs_dp"),
            masked_values(masked, reference, "random", ALL, "mean_abs_dp"),
        )
    )
    claim = difference.claim(3, above="one-sided moves more", below="one-sided moves less")
    verdicts = (
        f"{name}, {_over(cost_of(settings, runs, name)).verdict('worse', 'better')}"
        for name in settings.settings
    )
    return (
        f"**Loss at the same FLOPs, against learned:** {'; '.join(verdicts)}.",
        _describe_losses(settings, runs),
        f"**p with 15 % of the letters shown as [MASK], all edges.** Mean |dp|, one-sided less "
        f"two-sided: {claim}.",
        _describe_overall(settings, masked),
        "**By distance** in bases from the nearest masked one (1: the edge touches it): mean |dp| "
        "and, in brackets, hard boundaries that flip (% of edges); means over seeds.",
        _describe_distances(settings, masked),
    )


def _over(values: pd.Series) -> SeedMean:
    return mean_of_seeds(values.tolist())


def _describe_losses(settings: Settings, runs: pd.DataFrame) -> str:
    rows = []
    for name in (settings.reference, *settings.settings):
        loss, cost = (
            _over(values)
            for values in (values_of(runs, name, "mask_loss"), cost_of(settings, runs, name))
        )
        steps = values_of(runs, name, "steps").astype(int)
        spread = f"{steps.min()} to {steps.max()}" if steps.nunique() > 1 else f"{steps.max()}"
        is_reference = name == settings.reference
        rows.append(
            (
                name,
                spread if len(steps) else "no run yet",
                "" if is_reference else _describe_mismatch(settings, mismatch_of(runs, name)),
                loss.text(4),
                "reference" if is_reference else cost.claim(4, above="worse", below="better"),
            )
        )
    header = ("boundaries", "steps", "FLOPs off the budget, at most", "[MASK] loss (nat)",
              f"less that of {settings.reference}")  # fmt: skip
    return markdown_table(header, rows)


def _describe_mismatch(settings: Settings, mismatch: pd.Series) -> str:
    if mismatch.empty:
        return ""
    worst = float(mismatch.abs().max())
    met = "" if worst < settings.most_mismatch else f": over {100 * settings.most_mismatch:g} %"
    return f"{100 * worst:.2f} %{met}"


def _describe_overall(settings: Settings, masked: pd.DataFrame) -> str:
    columns = {"mean_abs_dp": 3, "correlation": 3, "flip_rate": 3, "boundary_rate_clean": 3,
               "boundary_rate_masked": 3}  # fmt: skip
    rows = [
        (
            ROUTER_NAMES[router],
            *(
                _over(masked_values(masked, router, "random", ALL, column)).text(digits)
                for column, digits in columns.items()
            ),
        )
        for router in settings.routers
    ]
    header = ("router", "mean abs. dp", "correlation", "share of edges that flip",
              "boundary rate, clean", "masked")  # fmt: skip
    return markdown_table(header, rows)


def _describe_distances(settings: Settings, masked: pd.DataFrame) -> str:
    rows = []
    for router in settings.routers:
        for pattern, words in (("random", "15 %"), ("sparse", "one base in 256")):
            cells = []
            for name, _, _ in BINS:
                change, flips = (
                    masked_values(masked, router, pattern, name, column)
                    for column in MEASURES.values()
                )
                found = f"{change.mean():.3f} ({100 * flips.mean():.1f})"
                cells.append(found if len(change) else "none")
            seeds = len(masked_values(masked, router, pattern, ALL, "mean_abs_dp"))
            if not seeds:
                cells = ["not measured", *[""] * (len(BINS) - 1)]
            rows.append((ROUTER_NAMES[router], words, *cells, str(seeds)))
    header = ("router", "masked", *(name for name, _, _ in BINS), "seeds")
    return markdown_table(header, rows)
