"""What a run of promoter_profile found, in words: from its tables and its provenance alone."""

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from analyses.outcome import LEVEL, count_of, markdown_table, name_checkpoint, with_interval

ENDPOINTS = {"left_flank": "left", "inside": "inside", "right_flank": "right"}
TIGHTEST = "C2"
_LEAST = re.compile(r"minimum detectable effect ([0-9.eE+-]+)")


def describe_promoters(
    enrichment: pd.DataFrame, motifs: pd.DataFrame, run: Mapping[str, Any]
) -> tuple[str, ...]:
    """What was scanned, the verdict on the declared family, and a row a motif.

    Parameters
    ----------
    enrichment : rows of the three endpoints.
    motifs : `motifs.tsv`: every motif of the list, found or not.
    run : `promoter.files.describe_run`.
    """
    scan = run["counts"]["scan"]
    with_hits = motifs[motifs["n_hits"].fillna(0) > 0]
    empty = [str(kind) for kind in motifs["kind"] if kind not in set(with_hits["kind"])]
    scanned = (
        f"Numbers of the {name_checkpoint(run)}. {count_of(scan['windows'], 'promoter')}, "
        f"{len(with_hits)} of {len(motifs)} declared motifs with hits"
        + (f"; without: {', '.join(empty)}." if empty else ".")
    )
    tight = _tightest(enrichment)
    counts = tight.groupby("kind")["n_sites"].max()
    able = set(tight.loc[tight["ci_low"].notna(), "kind"])
    few = ", ".join(
        f"{kind} {int(counts.get(kind, 0))}" for kind in with_hits["kind"] if kind not in able
    )
    return (
        scanned,
        *(_describe_family(enrichment, model) for model in ("checkpoint", "random")),
        f"Residual of the checkpoint, hits less {TIGHTEST} (hits outside promoters, matched):",
        markdown_table(
            ("motif", "pairs, loci", *ENDPOINTS.values(), "smallest detectable, inside"),
            [_row(tight, str(kind)) for kind in with_hits["kind"] if kind in able],
        ),
        f"Too few pairs for an interval there (20 in 10 loci wanted): {few or 'none'}.",
    )


def _describe_family(enrichment: pd.DataFrame, model: str) -> str:
    """How many of the declared comparisons have q below the level, by signal, and which."""
    mine = enrichment[enrichment["model"] == model]
    tested = mine[mine["q_value"].notna()]
    if tested.empty:
        if model == "random":
            return "Random weights: nothing to test."
        return "**Too few hits for any test.**"
    parts = []
    for signal, name in (("residual", "the residual"), ("prob", "p")):
        rows = tested[tested["signal"] == signal]
        found = rows[rows["q_value"] < LEVEL]
        named = "; ".join(
            f"{row['kind']} {ENDPOINTS[row['statistic']]}, {row['control']}: "
            + with_interval(row["effect"], row["ci_low"], row["ci_high"])
            for _, row in found.iterrows()
        )
        parts.append(
            f"{name}, {len(found)} of {len(rows)} with q < {LEVEL:g}{': ' + named if named else ''}"
        )
    said = ". For ".join(parts)
    if model == "random":
        return f"Random weights: for {said}."
    primary = tested[tested["signal"] == "residual"]
    hits = primary[primary["q_value"] < LEVEL]
    if primary.empty:
        verdict = "Without a residual nothing is claimed"
    elif hits.empty:
        verdict = "Null at the primary endpoints (residual)"
    elif (hits["control"] == TIGHTEST).any():
        kinds = ", ".join(dict.fromkeys(hits.loc[hits["control"] == TIGHTEST, "kind"]))
        verdict = f"Not null at the primary endpoints: {kinds} at {TIGHTEST}"
    else:
        kinds = ", ".join(dict.fromkeys(hits["kind"]))
        verdict = f"Null at {TIGHTEST}; at the looser C1 not: {kinds}"
    return f"**{verdict}.** Declared comparisons of the checkpoint that were tested: for {said}."


def _tightest(enrichment: pd.DataFrame) -> pd.DataFrame:
    """Rows of the checkpoint's residual at the tightest declared rung."""
    return enrichment[
        (enrichment["model"] == "checkpoint")
        & (enrichment["signal"] == "residual")
        & (enrichment["control"] == TIGHTEST)
    ]


def _row(tight: pd.DataFrame, kind: str) -> tuple[str, ...]:
    rows = tight[tight["kind"] == kind].set_index("statistic")
    first = rows.iloc[0]
    cells = []
    for name in ENDPOINTS:
        if name not in rows.index:
            cells.append("")
            continue
        row = rows.loc[name]
        text = with_interval(row["effect"], row["ci_low"], row["ci_high"])
        cells.append(f"{text}, q = {row['q_value']:.2g}" if pd.notna(row["q_value"]) else text)
    inside = rows.loc["inside"] if "inside" in rows.index else first
    least = _LEAST.search(str(inside["method"]))
    return (
        kind,
        f"{first['n_sites']:.0f}, {first['n_groups']:.0f}",
        *cells,
        f"{float(least[1]):.3f}" if least else "too few",
    )
