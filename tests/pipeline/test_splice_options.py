"""Options of the splice-profile program, without its figure: strand, rungs, filters, folders."""

import json

import numpy as np
import pandas as pd
import pytest

from ldar_interp.errors import InputError
from ldar_interp.model.config import PRESETS
from ldar_interp.sites.table import read_sites
from ldar_interp.splice import files


@pytest.fixture(autouse=True)
def no_figure(monkeypatch):
    """The figure takes most of a quick run and is not what is tested here."""

    def write_placeholders(stem, _run, *, width_mm):
        for name in ("pdf", "png", "svg"):
            stem.with_name(f"{stem.name}.{name}").write_text(str(width_mm))

    monkeypatch.setattr(files, "draw_figure", write_placeholders)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def read_run(out):
    """Sites of sites.tsv, arrays of profiles.npz, provenance."""
    with np.load(out / "profiles.npz") as archive:
        arrays = dict(archive)
    return read_sites(out / "sites.tsv"), arrays, json.loads((out / "provenance.json").read_text())


def test_strands_forward_and_mean_read_what_they_say(run, tmp_path):
    found = {}
    for strand in ("transcript", "forward", "mean"):
        options = {"strand": strand, "controls": "C0", "baseline": "none", "max_sites": 20}
        outcome = run(tmp_path / strand, **options)
        assert outcome.code == 0, outcome.stderr
        sites, arrays, provenance = read_run(tmp_path / strand)
        found[strand] = arrays["checkpoint"]
        expected = {"transcript": ["forward", "reverse"], "forward": ["forward"]}
        expected["mean"] = ["forward", "reverse"]
        missing = provenance["counts"]["extraction"]["checkpoint"]["edges_without_value"]
        assert sorted(missing) == expected[strand]
        assert provenance["arguments"]["strand"] == strand
    known = ~np.isnan(found["transcript"]).any(axis=1)
    plus = known & (sites["strand"] == "+").to_numpy()
    minus = known & (sites["strand"] == "-").to_numpy()
    # Windows lie elsewhere under each mode, hence the tolerance; the offset is the site's.
    np.testing.assert_allclose(found["forward"][plus], found["transcript"][plus], atol=0.02)
    assert np.abs(found["forward"][minus] - found["transcript"][minus]).max() > 0.1
    other = 2 * found["mean"] - found["forward"]
    np.testing.assert_allclose(other[minus], found["transcript"][minus], atol=0.05)


def test_a_config_file_with_filters_and_an_option_that_wins(run, world, tmp_path, out):
    # Under 1 % of the lines are broken: left out, counted and named.
    lines = world.gtf.read_text().splitlines()
    padding = [line.replace("\texon\t", "\tCDS\t") for line in lines] * 3
    gtf = tmp_path / "padded.gtf"
    gtf.write_text("\n".join([*lines, *padding, "chr1\tbroken"]) + "\n")
    config = tmp_path / "run.toml"
    config.write_text(
        'controls = ["C1"]\nbaseline = "none"\ngene-type = ["protein_coding"]\n'
        'tag = ["MANE_Select"]\nseed = 4\nmax-sites = 9\nn_boot = 120\n'
    )
    outcome = run(out, config=config, gtf=gtf, max_sites=10, controls=None)
    assert outcome.code == 0, outcome.stderr
    sites, arrays, provenance = read_run(out)
    assert sorted(arrays) == ["checkpoint", "offsets", "site_id"]
    assert set(sites["set"]) == {"site", "C1"}
    own = sites[sites["set"] == "site"]
    # Options beat the file (n_boot is given as 100 by these tests), the file beats defaults.
    assert own["kind"].value_counts().to_dict() == {"donor": 10, "acceptor": 10}
    arguments = provenance["arguments"]
    assert (arguments["max_sites"], arguments["n_boot"], arguments["seed"]) == (10, 100, 4)
    assert provenance["baseline_seed"] is None and provenance["seed"] == 4
    # Genes 3 and 7 of each chromosome lack the tag; gene 7 is the lncRNA as well.
    assert not own["gene_name"].str[2].isin(["3", "7"]).any()
    assert provenance["counts"]["annotation"]["introns_filtered_out"] == 12
    assert "36 of 48 introns kept (12 filtered out)" in outcome.stderr
    assert "10 of 36 acceptors, 10 of 36 donors" in outcome.stderr
    assert provenance["counts"]["annotation"]["broken_lines"] == 1
    assert "padded.gtf: 1 of 257 lines are broken, first line 257: 'chr1\\tbroken'" in (
        outcome.stderr
    )
    for name in ("profile", "difference", "enrichment"):
        table = pd.read_csv(out / f"{name}.tsv", sep="\t")
        assert set(table["model"]) == {"checkpoint"}
    assert set(pd.read_csv(out / "balance.tsv", sep="\t")["control"]) == {"C1"}


def test_controls_within_the_margin_are_dropped_as_pairs_and_counted(run, out):
    outcome = run(out, margin_bp=120, controls="C1", baseline="none")
    assert outcome.code == 0, outcome.stderr
    sites, arrays, _ = read_run(out)
    table = pd.read_csv(out / "enrichment.tsv", sep="\t").query("statistic == 'mean_difference'")
    missing = pd.Series(np.isnan(arrays["checkpoint"][:, 12]), index=sites["site_id"])
    controls = sites[sites["set"] == "C1"]
    gone = missing[controls["site_id"]].to_numpy() | missing[controls["matched_to"]].to_numpy()
    for kind, row in table.set_index("kind").iterrows():
        of_kind = (controls["kind"] == kind).to_numpy()
        assert row["n_dropped"] == gone[of_kind].sum()
        assert row["n_sites"] == (~gone[of_kind]).sum()
    # The first donor of either chromosome lies 110 bp from the end: it has a control, no value.
    assert table["n_dropped"].sum() >= 2


def test_a_random_checkpoint_is_not_compared_with_itself(run, out, monkeypatch):
    monkeypatch.setitem(PRESETS, "nano", PRESETS["nano"].with_length(256))
    outcome = run(out, ckpt="random:nano", controls="C0", max_sites=2)
    assert outcome.code == 0, outcome.stderr
    _, arrays, provenance = read_run(out)
    assert provenance["inputs"]["checkpoint"] == {"random": "nano"}
    known = ~np.isnan(arrays["checkpoint"])
    assert known.any()
    assert np.abs(arrays["checkpoint"] - arrays["random"])[known].max() > 0.01


def test_force_replaces_an_earlier_result_and_nothing_else(run, out):
    quick = {"controls": "C0", "baseline": "none", "max_sites": 3}
    assert run(out, **quick).code == 0
    before = (out / "sites.tsv").read_bytes()
    refused = run(out, **quick, seed=2)
    assert refused.code == 2
    assert refused.stderr == (
        f"splice_profile: error: {out}: exists; add --force to replace it or choose another --out\n"
    )
    assert (out / "sites.tsv").read_bytes() == before
    assert run(out, "--force", **quick, seed=2).code == 0
    assert (out / "sites.tsv").read_bytes() != before
    assert [path.name for path in out.parent.iterdir()] == ["out"]

    (out / "notes.txt").write_text("mine")
    refused = run(out, "--force", **quick)
    assert refused.code == 2 and "it also holds notes.txt" in refused.stderr
    assert (out / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("error", [InputError("figure: is ugly; redraw"), ZeroDivisionError()])
def test_an_error_half_way_leaves_no_partial_folder(run, out, monkeypatch, error):
    def fail(stem, _run, *, width_mm):
        assert (stem.parent / "sites.tsv").exists() and width_mm == 183
        raise error

    monkeypatch.setattr(files, "draw_figure", fail)
    quick = {"controls": "C0", "baseline": "none", "max_sites": 3}
    if isinstance(error, InputError):
        outcome = run(out, **quick)
        assert outcome.code == 2
        assert outcome.stderr.splitlines()[-1] == ("splice_profile: error: figure: is ugly; redraw")
    else:
        with pytest.raises(ZeroDivisionError):
            run(out, **quick)
    assert list(out.parent.iterdir()) == []


def test_debug_shows_the_traceback_of_an_input_error(run, out):
    with pytest.raises(InputError, match="no such FASTA file"):
        run(out, "--debug", fasta="absent.fa")


def keep_one_gene(world, tmp_path):
    """The annotation of one gene alone: its sites have no other locus to fit strength on."""
    lines = world.gtf.read_text().splitlines()
    name = next(line for line in lines if "\texon\t" in line).split('gene_name "')[1].split('"')[0]
    gtf = tmp_path / "one_gene.gtf"
    gtf.write_text("\n".join(line for line in lines if f'gene_name "{name}"' in line) + "\n")
    return gtf


def test_a_rung_that_nothing_matches_is_listed_as_too_few(run, world, tmp_path, out):
    outcome = run(out, gtf=keep_one_gene(world, tmp_path), baseline="none")
    assert outcome.code == 0, outcome.stderr
    table = pd.read_csv(out / "enrichment.tsv", sep="\t")
    empty = table[(table["control"] == "C2") & (table["statistic"] == "mean_difference")]
    assert set(empty["kind"]) == {"donor", "acceptor"}
    assert (empty["n_sites"] == 0).all() and empty["p_value"].isna().all()
    assert empty["method"].str.contains("too few").all()


def test_a_config_file_may_spell_lists_as_the_command_line_does(run, tmp_path, out):
    config = tmp_path / "run.toml"
    config.write_text('controls = "C0, C1"\nbaseline = "none"\n')
    outcome = run(out, config=config, controls=None)
    assert outcome.code == 0, outcome.stderr
    assert set(pd.read_csv(out / "balance.tsv", sep="\t")["control"]) == {"C0", "C1"}
