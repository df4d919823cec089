"""What a run of splice_profile found, in words: from its tables and its provenance alone."""

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from analyses.outcome import LEVEL, count_of, markdown_table, name_checkpoint, with_interval
from ldar_interp.ladder.settings import RUNGS

STATISTIC = "mean_difference"
DECLARED = ("C1", "C2")
ROWS = (("checkpoint", "prob"), ("checkpoint", "residual"), ("random", "prob"),
        ("random", "residual"))  # fmt: skip
ROW_NAMES = {
    ("checkpoint", "prob"): "checkpoint, p",
    ("checkpoint", "residual"): "checkpoint, residual",
    ("random", "prob"): "random weights, p",
    ("random", "residual"): "random weights, residual",
}
_LEAST = re.compile(r"minimum detectable effect ([0-9.eE+-]+)")
_MOST_OFFSETS = 3


def describe_splice(
    enrichment: pd.DataFrame, difference: pd.DataFrame, run: Mapping[str, Any]
) -> tuple[str, ...]:
    """The verdict on the declared family, its power, all rungs, and offsets of the profile.

    Parameters
    ----------
    enrichment, difference : tables of docs/contracts.md.
    run : `splice.files.describe_run`.
    """
    effects = enrichment[enrichment["statistic"] == STATISTIC]
    used = run["counts"]["sites_used"]
    sites = " and ".join(count_of(used[kind], kind) for kind in sorted(used, reverse=True))
    n_loci = run["counts"]["annotation"]["groups_with_sites"]
    return (
        f"Numbers of the {name_checkpoint(run)}. {sites} in {n_loci} loci. {_describe_nulls(run)}",
        _describe_family(effects),
        _describe_power(effects),
        _table(effects),
        _describe_profile(difference),
    )


def _describe_nulls(run: Mapping[str, Any]) -> str:
    nulls = run["kmer_null"]["models"]
    said = " and ".join(
        f"{found['r2_of_null']:.3f} of the variance of p of "
        f"{'the checkpoint' if name == 'checkpoint' else 'random weights'}"
        for name, found in nulls.items()
        if found.get("r2_of_null") is not None
    )
    return f"The k-mer null explains {said} on other blocks." if said else "No k-mer null."


def declared_rows(effects: pd.DataFrame, model: str) -> pd.DataFrame:
    """The declared comparisons of a model that were tested."""
    mine = effects[(effects["model"] == model) & effects["control"].isin(DECLARED)]
    return mine[mine["q_value"].notna()]


def _describe_family(effects: pd.DataFrame) -> str:
    """Which of the declared comparisons are found, and the primary one first."""
    family = declared_rows(effects, "checkpoint")
    if family.empty:
        return "**Too few sites or loci for the declared tests.**"
    primary = family[(family["signal"] == "residual") & (family["control"] == "C2")]
    found = primary[primary["q_value"] < LEVEL]
    if primary.empty:
        verdict = "**The primary comparison could not be tested.**"
    elif found.empty:
        kinds = " or ".join(f"{kind}s" for kind in primary["kind"])
        verdict = f"**Null at the primary endpoint (residual at the edge, C2), for {kinds}**: "
    else:
        kinds = " and ".join(
            f"{row['kind']}s {'higher' if row['effect'] > 0 else 'lower'}"
            for _, row in found.iterrows()
        )
        verdict = f"**Not null at the primary endpoint (residual at the edge, C2): {kinds}**: "
    verdict += "; ".join(_effect(row, named=True) for _, row in primary.iterrows()) + "."
    parts = [verdict]
    for model in ("checkpoint", "random"):
        tested = declared_rows(effects, model)
        if len(tested):
            hit = tested[tested["q_value"] < LEVEL]
            names = "; ".join(
                f"{row['kind']}s, {'p' if row['signal'] == 'prob' else 'residual'}, "
                f"{row['control']} {row['effect']:+.3f}"
                for _, row in hit.iterrows()
            )
            whose = "the checkpoint" if model == "checkpoint" else "random weights"
            parts.append(
                f"Of the {len(tested)} declared comparisons of {whose}, {len(hit)} have q < "
                f"{LEVEL:g}{': ' + names if names else ''}."
            )
    return " ".join(parts)


def _describe_power(effects: pd.DataFrame) -> str:
    """What 80 % of such data sets would show at C2."""
    rows = effects[(effects["model"] == "checkpoint") & (effects["control"] == "C2")]
    said = "; ".join(
        f"{row['kind']}s, {'p' if row['signal'] == 'prob' else 'residual'}: {float(found[1]):.3f}"
        for _, row in rows.iterrows()
        if (found := _LEAST.search(str(row["method"]))) is not None
    )
    return f"Smallest effects that 80 % of such data sets would show at C2: {said or 'not known'}."


def _effect(row: pd.Series, *, named: bool = False) -> str:
    head = f"{row['kind']}s " if named else ""
    text = head + with_interval(row["effect"], row["ci_low"], row["ci_high"])
    if pd.notna(row["q_value"]):
        text += f", q = {row['q_value']:.2g}"
    return f"{text}, {row['n_sites']:.0f} pairs in {row['n_groups']:.0f} loci" if named else text


def _table(effects: pd.DataFrame) -> str:
    rungs = [rung for rung in RUNGS if rung in set(effects["control"])]
    rows = []
    for kind in sorted(set(effects["kind"]), reverse=True):
        for model, signal in ROWS:
            mine = effects[
                (effects["kind"] == kind)
                & (effects["model"] == model)
                & (effects["signal"] == signal)
            ].set_index("control")
            if len(mine):
                cells = [_effect(mine.loc[rung]) if rung in mine.index else "" for rung in rungs]
                rows.append((f"{kind}s, {ROW_NAMES[model, signal]}", *cells))
    return markdown_table(("site − control", *rungs), rows)


def _describe_profile(difference: pd.DataFrame) -> str:
    """Offsets of the profile that differ family-wise, the strongest of each comparison."""
    tested = difference[difference["p_maxt"].notna()]
    found = tested[tested["p_maxt"] < LEVEL]
    said = []
    for (model, signal, kind, control), rows in found.groupby(
        ["model", "signal", "kind", "control"], sort=False
    ):
        order = rows["difference"].abs().sort_values(ascending=False, kind="stable").index
        most = ", ".join(
            f"{rows.at[at, 'offset']:+d} ({rows.at[at, 'difference']:+.3f})"
            for at in order[:_MOST_OFFSETS]
        )
        more = f" and {len(rows) - _MOST_OFFSETS} more" if len(rows) > _MOST_OFFSETS else ""
        said.append(f"- {kind}s, {ROW_NAMES[str(model), str(signal)]}, {control}: {most}{more}")
    head = f"Over the profile (max-T, family-wise p < {LEVEL:g}), offsets and their differences:"
    return "\n".join([head, "", *said]) if said else f"{head} none."
