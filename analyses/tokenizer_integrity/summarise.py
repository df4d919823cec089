"""The outcome of tokenizer integrity, from data.tsv and provenance.json."""

import json
from pathlib import Path

import pandas as pd

from analyses.outcome import judge, markdown_table, name_checkpoint, with_interval

KIND_NAMES = {
    "donor_GT": "donor GT",
    "acceptor_AG": "acceptor AG",
    "elements": "motif hits in promoters",
    "tss": "TSS (an edge)",
}
PRIMARY = ("donor_GT", "acceptor_AG", "elements")
TOKENIZERS = {
    "checkpoint": "learned router",
    "random": "random weights",
    "bpe": "BPE",
    "random_cuts": "random cuts",
}
ENDPOINT = "integrity_contrast"
READING = {"above": "cut inside more than beside", "below": "cut inside less than beside"}


def describe(folder: Path) -> tuple[str, ...]:
    """Whose numbers; the verdict by kind; a row a kind and tokenizer; single motifs."""
    table = pd.read_csv(folder / "data.tsv", sep="\t")
    provenance = json.loads((folder / "provenance.json").read_text())
    rows = table.set_index(["kind", "tokenizer", "endpoint"]).sort_index()
    kinds = [kind for kind in PRIMARY if kind in set(table["kind"])]
    return (
        f"Numbers of the {name_checkpoint(provenance)}.",
        " ".join(_verdict(rows, kind) for kind in kinds),
        markdown_table(
            ("elements", "tokens", "bp a token", "cut inside", "by chance at that rate",
             "difference", "cuts an edge, inside − flanks", "reading"),
            [_row(rows, kind, name) for kind in kinds for name in TOKENIZERS],
        ),
        _describe_motifs(table),
    )  # fmt: skip


def _verdict(rows: pd.DataFrame, kind: str) -> str:
    """One sentence: the router's contrast, and BPE's beside it."""
    said = {}
    for name in ("checkpoint", "bpe"):
        row = rows.loc[(kind, name, ENDPOINT)]
        said[name] = (
            f"{with_interval(row['value'], row['ci_low'], row['ci_high'])}, "
            f"{judge(row['ci_low'], row['ci_high'], **READING)}"
        )
    return (
        f"**{KIND_NAMES[kind][0].upper()}{KIND_NAMES[kind][1:]}**: learned router "
        f"{said['checkpoint']}; BPE {said['bpe']}."
    )


def _row(rows: pd.DataFrame, kind: str, name: str) -> tuple[str, ...]:
    inside, contrast = (rows.loc[(kind, name, what)] for what in ("inside_cut", ENDPOINT))
    size = f"{KIND_NAMES[kind]}, n = {inside['n_instances']:.0f} in {inside['n_groups']:.0f} loci"
    return (
        size if name == "checkpoint" else "",
        TOKENIZERS[name],
        f"{inside['mean_token_bp']:.2f}",
        f"{inside['value']:.3f}",
        f"{inside['null']:.3f}",
        with_interval(inside["difference"], inside["diff_ci_low"], inside["diff_ci_high"]),
        with_interval(contrast["value"], contrast["ci_low"], contrast["ci_high"]),
        "the range of the draws"
        if name == "random_cuts"
        else judge(contrast["ci_low"], contrast["ci_high"], **READING),
    )


def _describe_motifs(table: pd.DataFrame) -> str:
    """How many single motifs have an interval, and which leave out 0."""
    known = {"all", *KIND_NAMES}
    mine = table[
        (table["tokenizer"] == "checkpoint")
        & (table["endpoint"] == ENDPOINT)
        & ~table["kind"].isin(known)
    ]
    able = mine[mine["ci_low"].notna()]
    if able.empty:
        return (
            f"Single motifs: none of the {len(mine)} with a hit has the 20 hits in 10 loci that an "
            "interval needs; their rows are in `data.tsv`."
        )
    off = able[(able["ci_low"] > 0) | (able["ci_high"] < 0)]
    named = "; ".join(
        f"{row['kind']} {with_interval(row['value'], row['ci_low'], row['ci_high'])}"
        for _, row in off.iterrows()
    )
    return (
        f"Single motifs, description: {len(mine)} have hits, {len(able)} of them the 20 in 10 loci "
        f"that an interval needs; {len(off)} intervals leave out 0"
        + (f": {named}." if named else ".")
    )
