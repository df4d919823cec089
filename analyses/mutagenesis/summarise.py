"""The outcome of mutagenesis, from its tables and provenance.json."""

import json
from pathlib import Path

import pandas as pd

from analyses.outcome import markdown_table, name_checkpoint, with_interval

MODELS = {"checkpoint": "checkpoint", "random": "random weights"}
REGIONS = ("dinucleotide", "across", "elsewhere", "dinucleotide - elsewhere")


def describe(folder: Path) -> tuple[str, ...]:
    """Whose numbers; the verdict by kind; positions; regions."""
    provenance = json.loads((folder / "provenance.json").read_text())
    difference, importance, regions = (
        pd.read_csv(folder / f"data_{name}.tsv", sep="\t")
        for name in ("difference", "importance", "regions")
    )
    lines = [
        _verdict(rows, model, kind, str(control))
        for kind in sorted(set(difference["kind"]), reverse=True)
        for model in MODELS
        for control, rows in difference[
            (difference["kind"] == kind) & (difference["model"] == model)
        ].groupby("control")
    ]
    if not lines:
        lines = ["No controls were mutated, so nothing is compared."]
    return (
        f"Numbers of the {name_checkpoint(provenance)}.",
        "Mean change of p at the edge, sites less their controls, by position (95 % intervals, "
        "not corrected for the number of positions: one in twenty leaves out 0 by chance):",
        "\n".join(f"- {line}" for line in lines),
        "Description: mean change of p at the sites, by region, and where it is largest.",
        markdown_table(
            ("sites", "model", "n", *REGIONS, "largest change at"),
            _region_rows(regions, importance),
        ),
    )


def _verdict(rows: pd.DataFrame, model: str, kind: str, control: str) -> str:
    """How many positions leave out 0, and the three that differ most."""
    n_pairs = int(rows["n_sites"].max()) if rows["n_sites"].notna().any() else 0
    able = rows[rows["ci_low"].notna()]
    head = f"**{kind}s less {control}, {MODELS[model]}** ({n_pairs} pairs): "
    if able.empty:
        return head + "too few pairs for an interval."
    off = able[(able["ci_low"] > 0) | (able["ci_high"] < 0)]
    order = off["mean_delta"].abs().sort_values(ascending=False, kind="stable").index
    most = "; ".join(
        f"{off.at[at, 'offset']:+d}: "
        + with_interval(off.at[at, "mean_delta"], off.at[at, "ci_low"], off.at[at, "ci_high"])
        for at in order[:3]
    )
    said = f"{len(off)} of {len(able)} positions leave out 0 ({0.05 * len(able):.0f} by chance)"
    return f"{head}{said}{'; most, ' + most if most else ''}."


def _region_rows(regions: pd.DataFrame, importance: pd.DataFrame) -> list[tuple[str, ...]]:
    found = []
    mine = regions[regions["set"] == "site"]
    pairs = [(kind, model) for kind in sorted(set(mine["kind"]), reverse=True) for model in MODELS]
    for kind, model in pairs:
        rows = mine[(mine["kind"] == kind) & (mine["model"] == model)]
        if rows.empty:
            continue
        at = rows.set_index("region")
        here = importance[
            (importance["kind"] == kind)
            & (importance["model"] == model)
            & (importance["set"] == "site")
        ]
        top = here.loc[here["mean_abs_delta"].idxmax()]
        found.append(
            (
                f"{kind}s",
                MODELS[model],
                f"{at['n_sites'].max():.0f}",
                *(
                    with_interval(
                        at.at[name, "mean_delta"], at.at[name, "ci_low"], at.at[name, "ci_high"]
                    )
                    for name in REGIONS
                ),
                f"{top['offset']:+.0f} (mean size {top['mean_abs_delta']:.3f})",
            )
        )
    return found
