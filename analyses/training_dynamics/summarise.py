"""Splice effects and agreement of p over steps: plotted numbers and sentences."""

import pandas as pd
from pydantic import BaseModel, ConfigDict

from analyses.nano_runs.report import Plotted
from analyses.nano_runs.seeds import mean_of_seeds, paired
from analyses.outcome import markdown_table

WITHIN, BETWEEN = "with the last step", "between seeds"


class Settings(BaseModel):
    """config.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    setting: str
    kinds: tuple[str, ...]
    controls: tuple[str, ...]
    declared: tuple[str, ...]


def effects_at(splice: pd.DataFrame, kind: str, control: str, step: int) -> pd.Series:
    """Site less control at offset 0, by seed."""
    chosen = splice[
        (splice["kind"] == kind) & (splice["control"] == control) & (splice["step"] == step)
    ]
    return pd.Series(chosen["effect"].to_numpy(float), index=chosen["seed"].to_numpy(int))


def with_last_step(agreement: pd.DataFrame, step: int, column: str) -> pd.Series:
    """A column for a step against the last one of the same run, by seed."""
    last = int(agreement["step_b"].max())
    same = agreement[agreement["seed_a"] == agreement["seed_b"]]
    chosen = same[(same["step_a"] == step) & (same["step_b"] == last)]
    return pd.Series(chosen[column].to_numpy(float), index=chosen["seed_a"].to_numpy(int))


def between_seeds(agreement: pd.DataFrame, step: int, column: str) -> pd.Series:
    """A column for pairs of seeds at a step, by pair as `1-2`."""
    chosen = agreement[(agreement["seed_a"] != agreement["seed_b"]) & (agreement["step_a"] == step)]
    names = [f"{a}-{b}" for a, b in zip(chosen["seed_a"], chosen["seed_b"], strict=True)]
    return pd.Series(chosen[column].to_numpy(float), index=names)


def steps_of(table: pd.DataFrame, column: str = "step") -> list[int]:
    """Kept steps, in order."""
    return sorted({int(step) for step in table[column]})


def summarise(settings: Settings, splice: pd.DataFrame, agreement: pd.DataFrame) -> pd.DataFrame:
    """Plotted numbers.

    `KIND, RUNG`: the effect of each seed with its bootstrap interval over genes, and the mean of
    seeds with its t-interval. `correlation`: p of a step with the last one, and between seeds;
    pairs of seeds share runs, so they have a mean and no interval.
    """
    plotted = Plotted()
    for kind in settings.kinds:
        for control in settings.controls:
            panel = f"{kind}, {control}"
            mine = splice[(splice["kind"] == kind) & (splice["control"] == control)]
            for row in mine.to_dict("records"):
                plotted.rows.append(
                    (panel, "effect", row["step"], str(row["seed"]), row["effect"],
                     row["ci_low"], row["ci_high"], 1)
                )  # fmt: skip
            for step in steps_of(mine):
                found = mean_of_seeds(effects_at(splice, kind, control, step).tolist())
                plotted.add_mean(panel, "effect", step, found)
    for step in steps_of(agreement, "step_a"):
        plotted.add_seeds(
            "correlation", WITHIN, step, with_last_step(agreement, step, "correlation")
        )
        pairs = between_seeds(agreement, step, "correlation")
        plotted.add_seeds("correlation", BETWEEN, step, pairs)
    return plotted.table()


def describe(settings: Settings, splice: pd.DataFrame, agreement: pd.DataFrame) -> tuple[str, ...]:
    """The outcome: the declared changes, the course of effects, the agreement of p."""
    steps = steps_of(splice)
    return (
        _describe_changes(settings, splice, steps),
        "**Course**: the effect at offset 0 by step, means over seeds.",
        _describe_course(settings, splice, steps),
        "**Agreement of p** on the validation windows: correlation, means over seeds or pairs of "
        "seeds; share of edges with a hard boundary in only one of the two.",
        _describe_agreement(agreement),
    )


def _describe_changes(settings: Settings, splice: pd.DataFrame, steps: list[int]) -> str:
    first, last = steps[0], steps[-1]
    rows, verdicts = [], []
    for kind in settings.kinds:
        for control in settings.declared:
            before, after = (effects_at(splice, kind, control, step) for step in (first, last))
            change = mean_of_seeds(paired(after, before).tolist())
            verdicts.append(f"{kind}s at {control}, {change.verdict('it rises', 'it falls')}")
            rows.append(
                (
                    f"{kind}s, {control}",
                    *(mean_of_seeds(x.tolist()).text(3, signed=True) for x in (before, after)),
                    change.claim(3, above="it rises", below="it falls"),
                    _describe_signs(after),
                )
            )
    header = ("effect at offset 0", f"step {first}", f"step {last}", "change",
              f"sign at step {last}")  # fmt: skip
    verdict = f"**Does training change the effect?** {'; '.join(verdicts)}."
    return f"{verdict}\n\n{markdown_table(header, rows)}"


def _describe_signs(effects: pd.Series) -> str:
    if len(effects) < 2:
        return "one seed"
    same = (effects > 0).all() or (effects < 0).all()
    return f"{'the same' if same else 'not the same'} in {len(effects)} seeds"


def _describe_course(settings: Settings, splice: pd.DataFrame, steps: list[int]) -> str:
    rows = []
    for kind in settings.kinds:
        for control in settings.controls:
            means = (
                mean_of_seeds(effects_at(splice, kind, control, step).tolist()).mean
                for step in steps
            )
            rows.append((f"{kind}s, {control}", *(f"{mean:+.3f}" for mean in means)))
    return markdown_table(("step", *map(str, steps)), rows)


def _describe_agreement(agreement: pd.DataFrame) -> str:
    steps = steps_of(agreement, "step_a")
    ways = (
        (f"step {steps[-1]} of the same run", with_last_step),
        ("another seed at the same step", between_seeds),
    )
    rows = []
    for words, pick in ways:
        for column, name in (("correlation", "correlation"), ("disagreement", "one only")):
            found = [pick(agreement, step, column) for step in steps]
            cells = [f"{values.mean():.2f}" if len(values) else "" for values in found]
            rows.append((f"{words}: {name}", *cells, str(max(map(len, found)))))
    return markdown_table(("with", *map(str, steps), "runs or pairs"), rows)
