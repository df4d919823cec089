"""The variant-scores program on the tiny genome: files, numbers, same bytes, wrong input."""

import gzip
import hashlib
import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from ldar_interp.__main__ import build_app
from ldar_interp.genome.fasta import Genome
from ldar_interp.model.checkpoint import load_model, preset, random_model, save_model
from ldar_interp.variants.analysis import SCORE_COLUMNS
from ldar_interp.variants.odds import predict_bases
from ldar_interp.variants.ranking import AUROC_COLUMNS

FILES = [
    "auroc.tsv", "distribution.tsv", "figure.pdf", "figure.png", "figure.svg", "provenance.json",
    "roc.tsv", "scores.tsv",
]  # fmt: skip
QUICK = {
    "window-bp": 64,
    "margin-bp": 8,
    "n-boot": 100,
    "workers": 1,
    "block-bp": 1000,
    "reach-bp": 14,
}
HEADER = "##fileformat=VCFv4.3\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
N_EVEN = 44


@pytest.fixture(scope="module")
def score(world):
    """`score(out, *flags, option=value, ...)`; quick settings unless told otherwise."""

    def run_program(out, *flags, **options):
        given = {"ckpt": world.ckpt, "fasta": world.fasta, "out": out, **QUICK}
        given |= {name.replace("_", "-"): value for name, value in options.items()}
        words = ["variant-scores", *flags]
        for name, value in given.items():
            if value is not None:
                words += [f"--{name}", str(value)]
        result = CliRunner().invoke(build_app(), words)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run_program


@pytest.fixture(scope="module")
def records(world):
    """Rows of a VCF: even substitutions with labels, then one of each kind of record."""
    letters, rows = "ACGT", []
    with Genome(world.fasta) as genome:

        def read(base, n=1):
            return "".join(letters[i] for i in genome.fetch("chr1", base, base + n))

        def other(letter):
            return letters[(letters.index(letter) + 1) % 4]

        for i in range(N_EVEN):
            base = 500 + 340 * i
            ref = read(base)
            rows.append(f"1\t{base + 1}\trs{i}\t{ref}\t{other(ref)}\t.\t.\tX=2;BAD={i % 2}")
        one, two = read(15800), read(15900, 3)
        rows += [
            # Two alternates of one position, one label for each.
            f"1\t15801\tboth\t{one}\t{other(one)},{other(other(one))}\t.\t.\tBAD=0,1",
            f"1\t15901\tdel\t{two}\t{two[0]}\t.\t.\tBAD=1",
            f"1\t15901\tins\t{two[0]}\t{two[0]}ACGT\t.\t.\tBAD=0",
            f"1\t15901\tmany\t{two[:2]}\t{other(two[0])}{other(two[1])}\t.\t.\t.",
            f"1\t15901\tstar\t{two[0]}\t*\t.\t.\tBAD=1",
            f"1\t15901\tgone\t{two[0]}\t<DEL>\t.\t.\tBAD=1",
            f"1\t15901\tnone\t{two[0]}\t.\t.\t.\tBAD=1",
            f"1\t15901\twrong\t{other(two[0])}\t{two[0]}\t.\t.\tBAD=1",
            f"1\t3\tnear\t{read(2)}\t{other(read(2))}\t.\t.\tBAD=1",
            f"1\t21\tcut\t{read(20)}\t{other(read(20))}\t.\t.\t.",
            "1\t900000\toff\tA\tC\t.\t.\tBAD=1",
        ]
    return rows


@pytest.fixture(scope="module")
def vcf(records, tmp_path_factory):
    path = tmp_path_factory.mktemp("vcf") / "small.vcf.gz"
    path.write_bytes(gzip.compress((HEADER + "\n".join(records) + "\n").encode()))
    return path


@pytest.fixture(scope="module")
def whole(score, vcf, tmp_path_factory):
    out = tmp_path_factory.mktemp("variant_scores") / "result"
    result = score(out, vcf=vcf, label="BAD")
    assert result.exit_code == 0, result.stderr
    return out, result


def read(out, name):
    return pd.read_csv(out / f"{name}.tsv", sep="\t", keep_default_na=False, na_values=[""])


def digest(out):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(out.iterdir())}


def test_files_and_every_allele_in_its_row(whole):
    out, result = whole
    assert sorted(path.name for path in out.iterdir()) == FILES
    table = read(out, "scores")
    assert tuple(table.columns) == (*SCORE_COLUMNS, "label")
    assert set(table["model"]) == {"checkpoint", "random"} and len(table) == 2 * (N_EVEN + 12)
    one = table[table["model"] == "checkpoint"].set_index("id")
    odds, change = one["log_odds"].notna(), one["delta_p"].notna()
    assert odds["rs0":"rs43"].all() and change["rs0":"rs43"].all() and odds["both"].all()
    for name, note in {
        "del": "indel: no log-odds", "ins": "indel: no log-odds",
        "many": "several letters change: no log-odds", "star": "spanning deletion (*)",
        "gone": "symbolic allele or breakend", "none": "no alternate allele",
        "wrong": "REF is not what the genome holds", "off": "off the sequence",
        "near": "within the margin of an end of the sequence or an N; some edges have no value",
        "cut": "window cut at an end of the sequence or an N; some edges have no value",
    }.items():  # fmt: skip
        assert one.loc[name, "note"] == note
        assert odds[name] == (name == "cut") and change[name] == (
            name in ("del", "ins", "many", "cut", "near")
        ), name
    assert one.loc["cut", "window_bp"] == 52 and one.loc["rs0", "window_bp"] == 64
    assert one.loc["rs0":"rs43", "note"].isna().all()
    provenance = json.loads((out / "provenance.json").read_text())
    counts = provenance["counts"]
    assert counts["variants"]["alleles"] == N_EVEN + 12 and counts["with_log_odds"] == N_EVEN + 3
    assert counts["kinds"] == {"indel": 2, "several letters": 1, "substitution": N_EVEN + 4}
    assert sum(counts["notes"].values()) == N_EVEN + 12
    assert counts["labels"] == {"0": 24, "1": 30, "missing": 2}
    assert sorted([*provenance["files"], "provenance.json"]) == FILES
    assert set(provenance["inputs"]) == {"fasta", "vcf", "checkpoint"}
    assert "56 alleles of 55 records: 47 with log-odds, 51 with a change of p" in result.stderr


def test_numbers_are_those_of_the_model(whole, world):
    out, _ = whole
    table = read(out, "scores")
    one = table[(table["model"] == "checkpoint") & table["log_odds"].notna()]
    mean = (one["log_odds_forward"] + one["log_odds_reverse"]) / 2
    np.testing.assert_allclose(one["log_odds"], mean, atol=1e-5)
    with Genome(world.fasta) as genome:
        found = predict_bases(
            load_model(str(world.ckpt)), genome, [("chr1", 500)], window_bp=64, margin_bp=8
        )
    row = one.iloc[0]
    ref, alt = "ACGT".index(row["ref"]), "ACGT".index(row["alt"])
    wanted = found.logits[0, :, alt] - found.logits[0, :, ref]
    np.testing.assert_allclose(
        row[["log_odds_forward", "log_odds_reverse"]].astype(float), wanted, atol=1e-5
    )
    # One of two alternates of a position less the other: the reference cancels.
    first, second = one[one["id"] == "both"]["log_odds"]
    assert first != second
    # An edge beside a single letter, or up to 14 bp away from it.
    offsets = table[table["id"].str.startswith("rs")]["delta_p_offset"]
    assert offsets.between(-14, 15).all()


def test_auroc_is_that_of_the_table(whole):
    out, result = whole
    auroc = read(out, "auroc")
    assert tuple(auroc.columns) == AUROC_COLUMNS
    table = read(out, "scores")
    one = table[(table["model"] == "checkpoint") & table["label"].notna()]
    rows = one[one["log_odds"].notna()]
    bad, good = (-rows[rows["label"] == y]["log_odds"].to_numpy() for y in (1, 0))
    wins = (bad[:, None] > good).mean() + 0.5 * (bad[:, None] == good).mean()
    main = auroc[(auroc["note"] == "declared") & (auroc["model"] == "checkpoint")]
    assert len(main) == 1 and main["effect"].iloc[0] == pytest.approx(wins, abs=1e-5)
    assert main[["n_positive", "n_negative", "n_dropped"]].to_numpy().tolist() == [[23, 23, 1]]
    assert main["score"].iloc[0] == "minus_log_odds" and main["ci_low"].notna().all()
    paired = auroc[auroc["against"].notna()]
    for row in paired.itertuples():
        same = (auroc["score"] == row.score) & auroc["against"].isna()
        same &= auroc["subset"] == row.subset
        value = {
            m: auroc[same & (auroc["model"] == m)]["effect"].iloc[0]
            for m in (row.model, row.against)
        }
        assert row.effect == pytest.approx(value[row.model] - value[row.against], abs=1e-5)
    others = auroc[auroc["subset"] == "other"]
    assert len(others) and others["ci_low"].isna().all()
    assert others["note"].str.startswith("no interval: under 10 blocks").all()
    assert "AUROC checkpoint, minus_log_odds" in result.stderr
    roc = read(out, "roc")
    curve = roc[(roc["model"] == "checkpoint") & (roc["score"] == "minus_log_odds")]
    area = np.trapezoid(curve["true_positive_rate"], curve["false_positive_rate"])
    assert area == pytest.approx(wins, abs=1e-4)


def test_same_bytes_twice_and_from_a_table(whole, score, vcf, records, tmp_path):
    out, _ = whole
    before = digest(out)
    assert score(out, "--force", vcf=vcf, label="BAD").exit_code == 0
    assert digest(out) == before
    cells = [row.split("\t") for row in records]
    frame = pd.DataFrame(
        {
            "chrom": [c[0] for c in cells], "pos": [c[1] for c in cells],
            "id": [c[2] for c in cells], "ref": [c[3] for c in cells],
            "alt": [c[4] for c in cells],
            "bad": [c[7].partition("BAD=")[2] for c in cells],
        }
    )  # fmt: skip
    frame.to_csv(tmp_path / "mine.tsv", sep="\t", index=False)
    result = score(tmp_path / "mine", table=tmp_path / "mine.tsv", label="bad")
    assert result.exit_code == 0, result.stderr
    for name in ("scores.tsv", "auroc.tsv"):
        assert (tmp_path / "mine" / name).read_bytes() == (out / name).read_bytes()


def test_without_labels_and_one_strand(score, vcf, whole, tmp_path):
    result = score(tmp_path / "out", vcf=vcf, strand="forward", baseline="none")
    assert result.exit_code == 0, result.stderr
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [name for name in FILES if name not in ("auroc.tsv", "roc.tsv")]
    table, other = read(tmp_path / "out", "scores"), read(whole[0], "scores")
    assert tuple(table.columns) == SCORE_COLUMNS and set(table["model"]) == {"checkpoint"}
    assert table["log_odds_reverse"].isna().all()
    pd.testing.assert_series_equal(
        table["log_odds"], other["log_odds_forward"][: len(table)], check_names=False, atol=1e-5
    )
    bins = read(tmp_path / "out", "distribution")
    assert bins.groupby("score")["n"].sum().to_dict() == {"log_odds": 47, "delta_p": 51}


def test_a_router_that_does_not_read_leaves_the_change_empty(score, vcf, tmp_path):
    model = random_model(preset("nano").with_length(64).with_router("fixed:4"), seed=7)
    ckpt = save_model(model, tmp_path / "ckpt").parent
    result = score(tmp_path / "out", vcf=vcf, label="BAD", ckpt=ckpt)
    assert result.exit_code == 0, result.stderr
    assert "the router does not read the sequence, so there is no change of p" in result.stderr
    table = read(tmp_path / "out", "scores")
    assert table["delta_p"].isna().all() and table["log_odds"].notna().any()
    assert set(read(tmp_path / "out", "auroc")["score"]) == {"minus_log_odds", "abs_log_odds"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vcf": None}, "neither --vcf nor --table was given; wanted the variants"),
        ({"table": "mine.tsv"}, "both of them were given; wanted the variants: one of"),
        ({"vcf": "absent.vcf"}, "absent.vcf: cannot be read"),
        ({"label": "WORSE"}, "no record has the INFO key WORSE; it has X, BAD"),
        ({"label": "X"}, "has label '2'; wanted 0 or 1"),
        ({"window_bp": 300}, "window of 300 bp; wanted an even number from 2 to 256"),
        ({"margin_bp": 40}, "margin of 40 bp in windows of 64 bp; wanted 1 to 32"),
        ({"reach_bp": 24}, "--reach-bp is 24; wanted at most 23, so that all edges lie within"),
        ({"strand": "reverse"}, "strand is 'reverse'; wanted another value"),
    ],
)
def test_wrong_input_is_one_line(score, vcf, tmp_path, options, message):
    place = tmp_path / "place"
    place.mkdir()
    result = score(place / "out", **({"vcf": vcf} | options))
    assert result.exit_code == 2 and not list(place.iterdir())
    last = result.stderr.splitlines()[-1]
    assert last.startswith("variant_scores: error: ") and message in last, result.stderr


@pytest.mark.parametrize(
    ("keep", "label", "message"),
    [
        (("star", "gone", "none"), None, "none of 3 alleles can be scored (1 no alternate allele"),
        (("rs1", "rs3", "star"), "BAD", "all 2 labels of BAD are 1; wanted some 0 and some 1"),
        (("star", "many"), "BAD", "not one label of BAD is there; wanted some 0"),
        (("off", "near"), None, "no variant has a score: all lie within the margin of 8 bp"),
    ],
)
def test_files_that_nothing_can_be_said_about(score, records, tmp_path, keep, label, message):
    rows = [row for row in records if row.split("\t")[2] in keep]
    path = tmp_path / "few.vcf"
    path.write_text(HEADER + "\n".join(rows) + "\n")
    result = score(tmp_path / "out", vcf=path, label=label, reach_bp=0)
    last = result.stderr.splitlines()[-1]
    assert result.exit_code == 2 and message in last
