"""The command line for sets of regions: only the set that is asked for is read and written."""

import pytest
import typer
from typer.testing import CliRunner

from analyses.outcome import BEGIN, END
from analyses.promoter_profile.prepare import prepare_sets
from analyses.set_program import make_main
from ldar_interp.errors import InputError
from ldar_interp.splice.settings import SpliceSettings

REGIONS = """
[[region]]
set = "held_out"
assembly = "x"
region = "chr1:31-40"
fasta = "g.fa"

[[region]]
set = "trained"
assembly = "x"
region = "chr1:1-30"
fasta = "g.fa"

[assembly.x]
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "g.fa").write_text(">chr1\n" + "ACGTTGCAAC" * 4 + "\n")
    analysis = tmp_path / "toy"
    analysis.mkdir()
    (analysis / "regions.toml").write_text(REGIONS)
    (analysis / "config.toml").write_text("n-boot = 123\n")
    (analysis / "README.md").write_text(f"{BEGIN}\n\n{END}\n")
    return tmp_path


def run(folder, *words):
    seen = {}

    def measure(settings, sets, workers, target):
        seen.update(n_boot=settings.n_boot, ckpt=settings.ckpt, sets=dict(sets), workers=workers)
        (target / "data.tsv").write_text("x\n")
        return {"runs": {name: {} for name in sets}}

    main = make_main(
        folder / "toy",
        "Why?",
        SpliceSettings,
        measure,
        lambda f: (f"files {len(list(f.iterdir()))}",),
    )
    app = typer.Typer()
    app.command()(main)
    paths = ("--data", folder, "--work", folder / "work", "--out", folder / "out")
    return CliRunner().invoke(app, [str(word) for word in (*paths, *words)]), seen


def test_one_set_alone(folder):
    result, seen = run(folder, "--sets", "trained", "--workers", 1, "--ckpt", "random:nano")
    assert result.exit_code == 0, result.output
    made = folder / "work" / "trained"
    assert seen == {"n_boot": 123, "ckpt": "random:nano", "sets": {"trained": made}, "workers": 1}
    assert (made / "genome.fa").read_text() == ">x.chr1:1-30\n" + "ACGTTGCAAC" * 3 + "\n"
    # No measured starts are named, so there is no file of them.
    assert sorted(path.name for path in made.iterdir()) == ["genes.gtf", "genome.fa"]
    assert not (folder / "work" / "held_out").exists()
    assert (folder / "toy" / "README.md").read_text() == f"{BEGIN}\n\nfiles 2\n\n{END}\n"


def test_all_sets_by_default_and_an_earlier_figure_is_kept(folder):
    result, seen = run(folder)
    assert result.exit_code == 0, result.output
    assert list(seen["sets"]) == ["held_out", "trained"]
    result, _ = run(folder)
    assert result.exit_code == 2
    assert "exists; add --force" in result.output


def test_errors(folder):
    result, _ = run(folder, "--sets", "test")
    assert result.exit_code == 2
    assert "no region is in set 'test'; wanted some of held_out, trained" in result.output
    config = {
        "region": [{"set": "a", "assembly": "x", "region": "chr1:1-9", "fasta": "g.fa"}],
        "assembly": {"x": {"gtf": ["absent.gtf.gz"]}},
    }
    with pytest.raises(InputError, match=r"absent\.gtf\.gz: no such file; wanted the folder"):
        prepare_sets(config, folder, folder / "work", ["a"])
    assert not (folder / "work").exists()
