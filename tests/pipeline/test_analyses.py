"""The analyses behind the shipped figures, on the tiny genome: figure, tables, outcome."""

import importlib
import json

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from analyses.outcome import BEGIN, END, with_outcome
from ldar_interp.program.tables import write_table
from ldar_interp.sites.table import make_site_ids

QUICK = 'n-boot = 100\nbackend = "torch"\n'
CONFIGS = {
    "chunk_lengths": "bases = 20000\nblock-bp = 2000\nmargin-bp = 32\n",
    "tokenizer_integrity": (
        'context-bp = 20\nn-random = 20\nbpe-bases = 20000\nmargin-bp = 32\nelements = "HITS"\n'
    ),
    "mutagenesis": (
        'controls = "C0"\nmax-sites = 2\ncontext-bp = 2\nwindow-bp = 64\nmargin-bp = 8\n'
    ),
}


@pytest.fixture(scope="module")
def hits(tmp_path_factory):
    """Hits of two motifs."""
    sites = pd.DataFrame(
        {"chrom": "chr1", "edge": range(300, 1100, 10), "strand": "+", "set": "site"}
    )
    sites["kind"] = ["TATA", "SP1"] * 40
    sites["width_bp"] = [8, 6] * 40
    sites["group"] = [f"g{n // 4}" for n in range(80)]
    sites["site_id"] = make_site_ids(sites)
    path = tmp_path_factory.mktemp("hits") / "hits.tsv"
    write_table(path, sites)
    return path


@pytest.mark.parametrize("name", CONFIGS)
def test_figure_tables_and_outcome(name, world, hits, tmp_path):
    module = importlib.import_module(f"analyses.{name}.run")
    (tmp_path / "config.toml").write_text(QUICK + CONFIGS[name].replace("HITS", str(hits)))
    readme = tmp_path / "README.md"
    readme.write_text(f"{BEGIN}\n\n{END}\n")
    app = typer.Typer()
    app.command()(module.main)
    out = tmp_path / "figure"
    words = ["--config", tmp_path / "config.toml", "--ckpt", world.ckpt, "--fasta", world.fasta,
             "--gtf", world.gtf, "--out", out, "--readme", readme, "--workers", 1]  # fmt: skip
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    assert (out / f"{name}.pdf").is_file() and (out / f"{name}.png").is_file()
    provenance = json.loads((out / "provenance.json").read_text())
    source = provenance["inputs"]["checkpoint"]
    said = readme.read_text()
    assert source.get("sha256", source.get("random")) in said
    assert said == with_outcome(readme, module.describe(out))
    assert str(tmp_path) not in (out / "provenance.json").read_text()
    if name == "tokenizer_integrity":
        table = pd.read_csv(out / "data.tsv", sep="\t")
        pooled = table[(table["kind"] == "elements") & (table["tokenizer"] == "checkpoint")]
        assert pooled["n_instances"].max() == 80
        assert "Single motifs, description: 2 have hits" in said
