"""Nulls of a run's models: fitted, written, read again, and refused where they are of another."""

import numpy as np
import pandas as pd
import pytest

from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.ladder.nulls import find_nulls
from ldar_interp.ladder.settings import LadderSettings
from ldar_interp.letters.kmer_null import KmerNull
from ldar_interp.program.models import OpenModels, open_models
from ldar_interp.program.nulls import check_null, fit_nulls, name_file, read_nulls
from ldar_interp.program.settings import ModelSettings

PROGRAM = "test"


def open_again(world, **more) -> OpenModels:
    return open_models(ModelSettings(ckpt=str(world.ckpt), fasta=world.fasta, out="-", **more))


@pytest.fixture(scope="module")
def models(world):
    return open_again(world)


@pytest.fixture(scope="module")
def fitted(world, models):
    exclude = {"one site": pd.DataFrame({"chrom": ["chr1"], "edge": [3000]})}
    with Genome(world.fasta) as genome:
        return fit_nulls(
            models, genome, exclude,
            n_bases=5_000, strand="forward", margin_bp=32, program=PROGRAM,
        )  # fmt: skip


@pytest.fixture(scope="module")
def folder(fitted, tmp_path_factory):
    found = tmp_path_factory.mktemp("nulls")
    for name, null in fitted[0].items():
        null.save(found / name_file(name))
    return found


def test_a_null_and_counts_for_each_model(fitted, models):
    nulls, counts = fitted
    assert list(nulls) == list(counts) == ["checkpoint", "random"]
    assert nulls["checkpoint"].provenance["checkpoint"] == models.describe_source()
    assert nulls["random"].provenance["checkpoint"] == {"random_weights_seed": 2}
    assert set(nulls["checkpoint"].provenance["fasta"]) == {"file", "sha256"}
    assert not np.array_equal(nulls["checkpoint"].beta, nulls["random"].beta)
    for found in counts.values():
        assert found["left_out"] == {"one site": 1}
        assert found["edges_near_sites"] > 0 and found["windows_reverse"] == 0
        assert found["edges_fitted"] > 0 and found["r2_of_null"] < 1
        assert len(found["k_by_fold"]) == len(found["shrink_by_fold"])


def test_a_null_holds_the_edges_of_its_fit(fitted):
    """Nothing within 60 bp of the site that was left out; 61 bp away there is an edge."""
    for name, null in fitted[0].items():
        assert null.fitted.n_edges == fitted[1][name]["edges_fitted"]
        site = pd.DataFrame({"chrom": ["chr1"], "edge": [3000]})
        assert null.fitted.count_near([site]) == 0
        assert null.fitted.count_near([site], keep_away_bp=61) == 1  # the window ends on one side


def test_a_null_that_saw_the_sites_of_a_run_is_told(folder, models, world, capsys):
    """The same folder for two runs: one asks about the site that was left out, one about others."""
    settings = LadderSettings(
        ckpt=str(world.ckpt), fasta=world.fasta, gtf=world.gtf, out="-",
        residual=str(folder), strand="forward",
    )  # fmt: skip
    near = pd.DataFrame({"chrom": ["chr1"], "edge": [3000]})
    motif = pd.DataFrame({"chrom": ["chr1"], "edge": [2950], "strand": ["-"], "width_bp": [12]})
    fitted = KmerNull.load(folder / "null.npz").fitted
    ranges = zip(fitted.chrom.tolist(), fitted.low.tolist(), fitted.high.tolist(), strict=True)
    edges = {(c, e) for c, low, high in ranges for e in range(low, high + 1)}
    n = sum(("chr1", edge) in edges for edge in range(2938 - 60, 2950 + 61))
    assert n > 20

    def find(**exclude):
        with Genome(world.fasta) as genome:
            found = find_nulls(
                models, genome, exclude, settings, margin_bp=32, workers=1, program=PROGRAM
            )
        counts = found.describe()["models"]
        assert found.origin == "read" and found.by_name.keys() == counts.keys()
        near = [counts[name]["edges_fitted_near_sites_of_this_run"] for name in counts]
        return near, [line for line in capsys.readouterr().err.splitlines() if "WARNING" in line]

    assert find(starts=near) == ([{"starts": 0}] * 2, [])
    counts, told = find(starts=near, hits=motif)
    assert counts == [{"starts": 0, "hits": n}] * 2
    assert len(told) == 2 and f"the null of {folder} for random was fitted on {n} edges" in told[1]
    assert "within 60 bp of the hits of this run" in told[0] and "with --sites, or use" in told[0]


def test_read_gives_what_was_fitted(fitted, folder, models, world):
    found = read_nulls(folder, models, strand="forward")
    assert list(found) == ["checkpoint", "random"]
    for name, null in found.items():
        np.testing.assert_array_equal(null.beta, fitted[0][name].beta)
    alone = open_again(world, baseline="none")
    assert list(read_nulls(folder, alone, strand="forward")) == ["checkpoint"]


def test_the_name_of_a_checkpoint_does_not_matter(fitted, models):
    weights = models.identify("checkpoint")
    check_null(fitted[0]["checkpoint"], "x", weights | {"file": "other.pt"}, strand="forward")


def test_another_checkpoint_is_one_line(folder):
    other = OpenModels("random:nano", {"checkpoint": None}, 5, None)
    with pytest.raises(InputError) as found:
        read_nulls(folder, other, strand="forward")
    text = str(found.value)
    assert "null.npz: the null was fitted on model.safetensors (sha256 " in text
    assert "this run uses random:nano of seed 5; run kmer_null with the --ckpt" in text


def test_random_checkpoint_of_another_seed_is_another(fitted):
    null = fitted[0]["random"]
    with pytest.raises(InputError, match="random weights of seed 2, this run uses random weights"):
        check_null(null, "x", {"random_weights_seed": 3}, strand="forward")
    null = type(null)(**{**vars(null), "provenance": {"checkpoint": {"random": "nano", "seed": 1}}})
    check_null(null, "x", {"random": "nano", "seed": 1}, strand="forward")
    with pytest.raises(InputError, match=r"fitted on random:nano of seed 1, .* of seed 2; run"):
        check_null(null, "x", {"random": "nano", "seed": 2}, strand="forward")


def test_random_weights_of_another_seed_are_one_line(folder, models):
    later = OpenModels(models.source, models.by_name, 4, 5)
    with pytest.raises(InputError, match=r"null_random.npz: .* of seed 2, .* of seed 5; run"):
        read_nulls(folder, later, strand="forward")


def test_null_without_provenance_is_refused(fitted, models):
    bare = type(fitted[0]["random"])(**{**vars(fitted[0]["random"]), "provenance": {}})
    with pytest.raises(InputError, match="fitted on weights that it does not name"):
        check_null(bare, "x", models.identify("random"), strand="forward")


@pytest.mark.parametrize("strand", ["transcript", "mean"])
def test_forward_null_speaks_of_no_reverse_reads(folder, models, strand):
    with pytest.raises(InputError, match=f"forward reads only.*strand mode {strand}.*--strand tr"):
        read_nulls(folder, models, strand=strand)


def test_missing_files_are_one_line(folder, models, tmp_path):
    with pytest.raises(InputError, match=r"null.npz: no such file; wanted the folder that kmer"):
        read_nulls(tmp_path, models, strand="forward")
    (tmp_path / "null.npz").write_bytes((folder / "null.npz").read_bytes())
    with pytest.raises(InputError, match=r"null_random.npz: no such file; .*--baseline random"):
        read_nulls(tmp_path, models, strand="forward")
