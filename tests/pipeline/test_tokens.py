"""tokenizer-integrity and chunk-lengths on the tiny genome: files, same bytes twice, errors."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from ldar_interp.__main__ import build_app
from ldar_interp.genome.fasta import Genome
from ldar_interp.sites.table import make_site_ids, read_sites, write_sites
from ldar_interp.stats.integrity_table import COLUMNS

QUICK = {"margin-bp": 32, "n-boot": 100, "workers": 1}
INTEGRITY = {"context-bp": 20, "n-random": 20, "bpe-bases": 20000}
CHUNKS = {"bases": 20000, "block-bp": 2000}


def run(program, world, out, **options):
    """Exit code and stderr of a run in this process."""
    more = {"tokenizer-integrity": INTEGRITY, "chunk-lengths": CHUNKS}[program]
    given = {
        "ckpt": world.ckpt,
        "fasta": world.fasta,
        "gtf": world.gtf,
        "out": out,
        **QUICK,
        **more,
    }
    given |= {name.replace("_", "-"): value for name, value in options.items()}
    words = [program]
    for name, value in given.items():
        if value is not None:
            words += [f"--{name}", str(value)]
    result = CliRunner().invoke(build_app(), words)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stderr


@pytest.fixture(scope="module")
def hits(world, tmp_path_factory) -> Path:
    """Motif hits of 8 bp on both strands."""
    rng = np.random.default_rng(5)
    with Genome(world.fasta) as genome:
        parts = [
            pd.DataFrame(
                {
                    "chrom": segment.chrom,
                    "edge": np.sort(rng.choice(len(segment) - 400, 60, replace=False)) + 200,
                    "strand": ["+", "-"] * 30,
                }
            )
            for segment in genome.segments
        ]
    table = pd.concat(parts, ignore_index=True).assign(kind="TATA", set="site", width_bp=8)
    table["group"] = table["chrom"] + ":" + (table["edge"] // 1000).astype(str)
    table["site_id"] = make_site_ids(table)
    path = tmp_path_factory.mktemp("hits") / "hits.tsv"
    write_sites(path, table)
    return path


@pytest.fixture(scope="module")
def integrity(world, hits, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("integrity") / "result"
    code, stderr = run("tokenizer-integrity", world, out, elements=hits)
    assert code == 0, stderr
    assert "no codon elements: the annotation has no CDS rows" in stderr
    return out


@pytest.fixture(scope="module")
def lengths(world, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("chunks") / "result"
    code, stderr = run("chunk-lengths", world, out)
    assert code == 0, stderr
    assert "no CDS sequence: the annotation has no CDS rows" in stderr
    assert "no repeat sequence: no BED file of repeats was given" in stderr
    return out


def read_all(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_integrity_again_gives_the_same_bytes(world, hits, integrity, tmp_path) -> None:
    out = tmp_path / "again"
    assert run("tokenizer-integrity", world, out, elements=hits)[0] == 0
    assert read_all(out) == read_all(integrity)


def test_integrity_table(integrity) -> None:
    table = pd.read_csv(integrity / "integrity.tsv", sep="\t")
    assert tuple(table.columns) == COLUMNS
    assert set(table["tokenizer"]) == {
        "checkpoint", "random", "bpe", "grid_4", "grid_6", "single_bases", "random_cuts",
    }  # fmt: skip
    assert set(table["kind"]) == {"donor_GT", "acceptor_AG", "tss", "TATA", "all"}
    at = table.set_index(["tokenizer", "kind", "endpoint"])
    assert at.loc[("grid_4", "TATA", "inside_cut"), "value"] == 1  # 8 bp hold a cut of every phase
    assert at.loc[("grid_6", "donor_GT", "inside_cut"), "value"] == pytest.approx(1 / 6, rel=1e-5)
    assert (table[table["tokenizer"] == "single_bases"]["rate"] == 1).all()
    learned, pairs = (
        table[table["tokenizer"] == name]["rate"].mean() for name in ("checkpoint", "bpe")
    )
    assert pairs == pytest.approx(learned, abs=0.05)


def test_integrity_provenance(integrity) -> None:
    content = json.loads((integrity / "provenance.json").read_text())
    assert set(content["inputs"]) == {"fasta", "gtf", "checkpoint", "elements"}
    assert set(content["files"]) == {path.name for path in integrity.iterdir()} - {
        "provenance.json"
    }
    assert set(content["counts"]["absent_kinds"]) == {"codon", "start_codon"}
    counts = content["counts"]
    assert counts["elements_used"]["donor_GT"] <= counts["elements_found"]["donor_GT"]


def test_lengths_again_give_the_same_bytes(world, lengths, tmp_path) -> None:
    out = tmp_path / "again"
    assert run("chunk-lengths", world, out)[0] == 0
    assert read_all(out) == read_all(lengths)


def test_lengths_tables(lengths) -> None:
    table = pd.read_csv(lengths / "chunks.tsv", sep="\t")
    assert set(table["class"]) == {"exon", "promoter", "intron", "intergenic"}
    every = table[table["stratum"] == "all"]
    assert (every["mean_bp"] >= 1).all() and (every["n_chunks"] > 20).all()
    histogram = pd.read_csv(lengths / "histogram.tsv", sep="\t")
    for (model, name), rows in histogram.groupby(["model", "class"]):
        n = every[(every["model"] == model) & (every["class"] == name)]["n_chunks"].iloc[0]
        assert rows["n_chunks"].sum() == n


@pytest.mark.parametrize(
    ("program", "options", "message"),
    [
        ("tokenizer-integrity", {"kinds": "exon"}, "no kind of element is called 'exon'"),
        ("tokenizer-integrity", {"grids": "1"}, "grids are 1; wanted periods of 2 bp"),
        ("tokenizer-integrity", {"kinds": "codon"}, "no elements (the annotation has no CDS rows)"),
        ("tokenizer-integrity", {"gtf": None}, "--fasta was given alone"),
        ("tokenizer-integrity", {"elements": "absent.tsv"}, "cannot be read"),
        ("chunk-lengths", {"bases": 300}, "--bases allow 1 windows of 256 bp for 4 classes"),
        ("chunk-lengths", {"repeats": "absent.bed"}, "cannot be read as BED"),
        ("chunk-lengths", {"margin_bp": 128}, "margin of 128 bp in windows of 256 bp"),
    ],
)
def test_wrong_input(world, tmp_path, program, options, message) -> None:
    code, stderr = run(program, world, tmp_path / "out", **options)
    last = stderr.strip().splitlines()[-1]
    assert code == 2
    assert last.startswith(f"{program.replace('-', '_')}: error: ") and message in last
    assert not (tmp_path / "out").exists()


def test_elements_that_do_not_fit(world, hits, tmp_path) -> None:
    table = read_sites(hits)
    cases = [
        (table.assign(kind="tss"), "kind 'tss' is also made from the annotation"),
        (table.assign(chrom="chrX"), "chromosome 'chrX' is not in the genome"),
        (table.assign(width_bp=16), "--context-bp is 20 and the widest element has 16 bp"),
    ]
    for number, (wrong, message) in enumerate(cases):
        path = tmp_path / f"{number}.tsv"
        write_sites(path, wrong)
        code, stderr = run("tokenizer-integrity", world, tmp_path / "out", elements=path)
        assert code == 2 and message in stderr.strip().splitlines()[-1]
