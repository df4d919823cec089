"""The outcome of chunk lengths, from data.tsv and provenance.json."""

import json
from pathlib import Path

import pandas as pd

from analyses.outcome import judge, markdown_table, name_checkpoint, with_interval

REFERENCE = "intergenic"
ENDPOINT = "complex_gc_standardised"
READING = {"above": "longer", "below": "shorter"}


def describe(folder: Path) -> tuple[str, ...]:
    """Whose numbers; the verdict by class; a row a class."""
    table = pd.read_csv(folder / "data.tsv", sep="\t")
    provenance = json.loads((folder / "provenance.json").read_text())
    rows = table.set_index(["model", "class", "stratum"]).sort_index()
    classes = list(dict.fromkeys(table["class"]))
    models = [name for name in ("checkpoint", "random") if name in set(table["model"])]
    verdicts = []
    for name in classes:
        if name != REFERENCE:
            claims = "; ".join(
                f"{'random weights ' if model == 'random' else ''}"
                f"{_difference(rows, model, name, ENDPOINT)}, {_judge(rows, model, name)}"
                for model in models
            )
            verdicts.append(f"**{name}**: {claims}.")
    header = [
        "class", "chunks", "mean (bp)", f"less {REFERENCE}", "without low complexity, GC held",
        "share of GC covered", "random weights, mean (bp)", "GC held",
    ]  # fmt: skip
    absent = provenance["counts"]["absent_classes"]
    paragraphs = [
        f"Numbers of the {name_checkpoint(provenance)}.",
        f"Mean chunk less that of {REFERENCE} sequence, in bp, GC standardised and low complexity "
        f"left out. {' '.join(verdicts)}",
        markdown_table(header, [_row(rows, name, models) for name in classes]),
    ]
    if absent:
        reasons = "; ".join(f"{name}: {why}" for name, why in sorted(absent.items()))
        paragraphs.append(f"Not there: {reasons}.")
    return tuple(paragraphs)


def _difference(rows: pd.DataFrame, model: str, name: str, stratum: str) -> str:
    if (model, name, stratum) not in rows.index:
        return "not measured"
    row = rows.loc[(model, name, stratum)]
    return with_interval(row["difference"], row["diff_ci_low"], row["diff_ci_high"], 2)


def _judge(rows: pd.DataFrame, model: str, name: str) -> str:
    if (model, name, ENDPOINT) not in rows.index:
        return "too few for an interval"
    row = rows.loc[(model, name, ENDPOINT)]
    return judge(row["diff_ci_low"], row["diff_ci_high"], **READING)


def _row(rows: pd.DataFrame, name: str, models: list[str]) -> tuple[str, ...]:
    everything = rows.loc[("checkpoint", name, "all")]
    held = rows.loc[("checkpoint", name, ENDPOINT)]
    is_reference = name == REFERENCE
    beside = ("", "")
    if "random" in models and ("random", name, "all") in rows.index:
        beside = (
            f"{rows.loc[('random', name, 'all'), 'mean_bp']:.2f}",
            "reference" if is_reference else _difference(rows, "random", name, ENDPOINT),
        )
    return (
        name,
        f"{everything['n_chunks']:,.0f}",
        f"{everything['mean_bp']:.2f}",
        "reference" if is_reference else _difference(rows, "checkpoint", name, "all"),
        "reference" if is_reference else _difference(rows, "checkpoint", name, ENDPOINT),
        f"{held['gc_covered']:.2f}" if pd.notna(held["gc_covered"]) else "",
        *beside,
    )
