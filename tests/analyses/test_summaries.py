"""Verdicts of the shipped figures on tables that one can check by hand."""

import json

import numpy as np
import pandas as pd
import pytest

from analyses.chunk_lengths.summarise import describe as describe_chunks
from analyses.mutagenesis.summarise import describe as describe_mutations
from analyses.promoter_profile.run import Part, list_parts
from analyses.promoter_profile.summarise import describe_promoters
from analyses.splice_profile.summarise import describe_splice
from analyses.tokenizer_integrity.summarise import describe as describe_integrity

SOURCE = {"checkpoint": {"file": "model.safetensors", "sha256": "c0ffee"}}
SPLICE_RUN = {
    "inputs": SOURCE,
    "counts": {
        "sites_used": {"donor": 40, "acceptor": 1},
        "annotation": {"groups_with_sites": 12},
    },
    "kmer_null": {"models": {"checkpoint": {"r2_of_null": 0.9}}},
}


def effect(q, value=-0.01, **keys):
    row = {
        "model": "checkpoint", "signal": "residual", "kind": "donor", "control": "C2",
        "statistic": "mean_difference", "offset": 0, "effect": value, "ci_low": value - 0.01,
        "ci_high": value + 0.01, "q_value": q, "n_sites": 40, "n_groups": 12,
        "method": "mean; minimum detectable effect 0.0123 (80% power, two-sided 5%)",
    }  # fmt: skip
    return {**row, **keys}


def gaps(p):
    return pd.DataFrame(
        {"model": "checkpoint", "signal": "prob", "kind": "donor", "control": "C1",
         "offset": [-1, 0, 5], "difference": [0.1, -0.3, 0.2], "p_maxt": p}
    )  # fmt: skip


def test_splice_verdicts():
    null = pd.DataFrame([effect(0.6), effect(0.01, -0.2, signal="prob", control="C1")])
    said = "\n".join(describe_splice(null, gaps([0.01, np.nan, 0.2]), SPLICE_RUN))
    assert "sha256 `c0ffee`. 40 donors and 1 acceptor in 12 loci" in said
    assert "0.900 of the variance of p of the checkpoint" in said
    assert "**Null at the primary endpoint (residual at the edge, C2), for donors**" in said
    assert "2 declared comparisons of the checkpoint, 1 have q < 0.05: donors, p, C1 -0.200" in said
    assert "donors, residual: 0.012." in said
    assert "- donors, checkpoint, p, C1: -1 (+0.100)\n" in f"{said}\n"
    found = pd.DataFrame([effect(0.01)])
    said = "\n".join(describe_splice(found, gaps([0.5, 0.5, 0.5]), SPLICE_RUN))
    assert "**Not null at the primary endpoint (residual at the edge, C2): donors lower**" in said
    assert "offsets and their differences: none." in said
    few = pd.DataFrame([effect(np.nan)])
    assert "**Too few sites or loci" in "\n".join(describe_splice(few, gaps([1, 1, 1]), SPLICE_RUN))


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([{"q": 0.5}], "Null at the primary endpoints (residual)"),
        ([{"q": 0.01}], "Not null at the primary endpoints: TATA at C2"),
        ([{"q": 0.01, "control": "C1"}, {"q": 0.2}], "Null at C2; at the looser C1 not: TATA"),
        ([{"q": 0.01, "signal": "prob"}], "Without a residual nothing is claimed"),
        ([{"q": np.nan}], "Too few hits for any test."),
    ],
)
def test_promoter_verdicts(rows, verdict):
    table = pd.DataFrame([effect(**{"kind": "TATA", "statistic": "inside", **row}) for row in rows])
    motifs = pd.DataFrame({"kind": ["TATA", "DPE", "MTE"], "n_hits": [9, 0, np.nan]})
    run = {"inputs": SOURCE, "counts": {"scan": {"windows": 106}}}
    said = describe_promoters(table, motifs, run)
    assert "106 promoters, 1 of 3 declared motifs with hits; without: DPE, MTE." in said[0]
    assert f"**{verdict}" in said[1]
    assert said[2] == "Random weights: nothing to test."


def test_motifs_have_a_row_each_with_what_was_measured():
    few = {"q": np.nan, "kind": "SP1", "statistic": "inside", "ci_low": np.nan, "n_sites": 7}
    table = pd.DataFrame([effect(0.5, kind="TATA", statistic="inside"), effect(**few)])
    motifs = pd.DataFrame({"kind": ["TATA", "SP1", "YY1"], "n_hits": [9, 9, 1]})
    run = {"inputs": SOURCE, "counts": {"scan": {"windows": 1}}}
    said = describe_promoters(table, motifs, run)
    assert said[-2].splitlines()[2:] == [
        "| TATA | 40, 12 |  | -0.010 [-0.020, 0.000], q = 0.5 |  | 0.012 |",
    ]
    assert said[-1].endswith("(20 in 10 loci wanted): SP1 7, YY1 0.")


def test_parts_are_measured_starts_where_there_are_some_then_the_annotation(tmp_path):
    for name, text in (("held_out", "chr1\t1\t2\n"), ("trained", "")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "epd.bed").write_text(text)
    sets = {name: tmp_path / name for name in ("held_out", "trained")}
    found = list(list_parts(sets))
    assert [part for part, _ in found] == [
        Part("held_out", "epd"), Part("held_out", "annotation"), Part("trained", "annotation"),
    ]  # fmt: skip
    assert found[0][1]["tss"] == tmp_path / "held_out" / "epd.bed"
    assert "tss" not in found[1][1]


def write(folder, provenance, **tables):
    (folder / "provenance.json").write_text(json.dumps({"inputs": SOURCE, **provenance}))
    for name, rows in tables.items():
        pd.DataFrame(rows).to_csv(folder / f"{name}.tsv", sep="\t", index=False)


def test_integrity_by_hand(tmp_path):
    base = {
        "null": 0.3, "difference": 0.1, "diff_ci_low": 0.05, "diff_ci_high": 0.15,
        "n_instances": 345, "n_groups": 22, "mean_token_bp": 4.2,
    }  # fmt: skip
    rows = [
        {"tokenizer": name, "kind": kind, "endpoint": what, "value": value, "ci_low": value - 0.1,
         "ci_high": value + 0.1, **base}
        for kind in ("donor_GT", "TBP", "SP1")
        for name, value in (("checkpoint", -0.2), ("random", 0.5), ("bpe", 0.05),
                            ("random_cuts", 0.0))
        for what in ("inside_cut", "integrity_contrast")
    ]  # fmt: skip
    few = next(row for row in rows if row["kind"] == "SP1")
    rows = [row | {"ci_low": np.nan} if row["kind"] == few["kind"] else row for row in rows]
    write(tmp_path, {}, data=rows)
    said = "\n".join(describe_integrity(tmp_path))
    assert (
        "**Donor GT**: learned router -0.200 [-0.300, -0.100], cut inside less than beside; BPE "
        "+0.050 [-0.050, 0.150], the interval holds 0." in said
    )
    assert "2 have hits, 1 of them the 20 in 10 loci that an interval needs; 1 intervals" in said
    assert "TBP -0.200" in said and "SP1" not in said
    assert "| donor GT, n = 345 in 22 loci | learned router | 4.20 | -0.200 | 0.300 |" in said


def test_chunks_by_hand(tmp_path):
    rows = [
        {"model": model, "class": name, "stratum": stratum, "mean_bp": 4.0, "difference": gap,
         "diff_ci_low": gap - 0.1, "diff_ci_high": gap + 0.1, "gc_covered": 1.0, "n_chunks": 1500}
        for model in ("checkpoint", "random")
        for name, gap in (("exon", 0.5 if model == "checkpoint" else -0.05), ("intergenic", np.nan))
        for stratum in ("all", "complex_gc_standardised")
    ]  # fmt: skip
    write(tmp_path, {"counts": {"absent_classes": {"CDS": "no CDS rows"}}}, data=rows)
    said = describe_chunks(tmp_path)
    assert "**exon**: +0.50 [0.40, 0.60], longer; random weights -0.05" in said[1]
    assert "-0.05 [-0.15, 0.05], the interval holds 0." in said[1]
    assert "**intergenic**" not in said[1]
    assert said[3] == "Not there: CDS: no CDS rows."


def test_mutations_by_hand(tmp_path):
    numbers = {"mean_abs_delta": [0.1, 0.3, 0.2], "n_sites": 25, "n_groups": 12}
    gap = {"model": "checkpoint", "kind": "donor", "control": "C2", "offset": [-1, 0, 1],
           "mean_delta": [0.1, -0.2, 0.01], "ci_low": [0.05, -0.3, -0.1],
           "ci_high": [0.2, -0.1, 0.1], **numbers}  # fmt: skip
    site = {**gap, "set": "site"}
    region = {"model": "checkpoint", "kind": "donor", "set": "site",
              "region": ["dinucleotide", "across", "elsewhere", "dinucleotide - elsewhere"],
              "mean_delta": 0.1, "ci_low": 0.0, "ci_high": 0.2, "n_sites": 25}  # fmt: skip
    write(tmp_path, {}, data_difference=gap, data_importance=site, data_regions=region)
    said = describe_mutations(tmp_path)
    assert said[2] == (
        "- **donors less C2, checkpoint** (25 pairs): 2 of 3 positions leave out 0 (0 by chance); "
        "most, +0: -0.200 [-0.300, -0.100]; -1: +0.100 [0.050, 0.200]."
    )
    assert said[4].splitlines()[-1].endswith("| +0 (mean size 0.300) |")
