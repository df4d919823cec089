"""Splice effects and agreement of p over steps: plotted numbers and sentences."""

import pandas as pd
from pydantic import BaseModel, ConfigDict

from analyses.nano_runs.report import Plotted
from analyses.nano_runs.seeds import mean_of_seeds, paired

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
    """The outcome, a paragraph an endpoint."""
    steps = steps_of(splice)
    first, last = steps[0], steps[-1]
    lines = []
    for kind in settings.kinds:
        for control in settings.declared:
            before, after = (effects_at(splice, kind, control, step) for step in (first, last))
            change = mean_of_seeds(paired(after, before).tolist())
            lines.append(
                f"{kind}s, {control}: {mean_of_seeds(before.tolist()).mean:+.3f} untrained, "
                f"{mean_of_seeds(after.tolist()).mean:+.3f} trained, change "
                f"{change.text(3, signed=True)}, {change.verdict('it rises', 'it falls')}, "
                f"{_describe_signs(after)}"
            )
    return (
        f"**Effect at offset 0**, step {first} and step {last}, means over seeds. "
        f"{'; '.join(lines)}.",
        _describe_course(settings, splice, steps),
        _describe_agreement(agreement),
    )


def _describe_signs(effects: pd.Series) -> str:
    if len(effects) < 2:
        return "one seed, so no agreement to speak of"
    same = (effects > 0).all() or (effects < 0).all()
    return f"{'the same' if same else 'not the same'} sign in {len(effects)} seeds"


def _describe_course(settings: Settings, splice: pd.DataFrame, steps: list[int]) -> str:
    parts = []
    for kind in settings.kinds:
        for control in settings.controls:
            values = ", ".join(
                f"{mean_of_seeds(effects_at(splice, kind, control, step).tolist()).mean:+.3f}"
                for step in steps
            )
            parts.append(f"{kind}s, {control}: {values}")
    listed = ", ".join(map(str, steps))
    return f"**Course** (steps {listed}; means over seeds). {'; '.join(parts)}."


def _describe_agreement(agreement: pd.DataFrame) -> str:
    steps = steps_of(agreement, "step_a")
    within: list[str] = []
    between: list[str] = []
    for step in steps:
        own = mean_of_seeds(with_last_step(agreement, step, "correlation").tolist())
        if step != steps[-1] and own.n_seeds:
            within.append(f"{step}: {own.mean:.2f}")
        pairs = between_seeds(agreement, step, "correlation")
        if len(pairs):
            between.append(f"{step}: {pairs.mean():.2f}")
    n_seeds = agreement["seed_a"].nunique()
    text = (
        f"**Agreement of p** on the validation windows ({n_seeds} "
        f"{'seed' if n_seeds == 1 else 'seeds'}). Correlation with step {steps[-1]} of the same "
        f"run, by step: {', '.join(within)}."
    )
    if not between:
        return f"{text} Between seeds: not measured."
    last = between_seeds(agreement, steps[-1], "disagreement")
    return (
        f"{text} Between seeds at the same step: {', '.join(between)}; at step {steps[-1]} two "
        f"seeds differ at {100 * last.mean():.1f} % of edges about a hard boundary."
    )
