"""What is measured on trained runs: distances by hand, p compared, tables of what is there."""

import io
import json
import math
import shutil

import numpy as np
import pandas as pd
import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tiny_grid import write_grid

from analyses.nano_runs import masked_p, tables
from analyses.nano_runs.evaluation import count_chunks, is_evaluated
from analyses.nano_runs.grid import read_grid
from analyses.nano_runs.run import choose_runs, measure, train_queue
from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import MASK
from ldar_interp.provenance import hash_file


@pytest.fixture(autouse=True)
def _own_index(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


# ---- masks --------------------------------------------------------------------------------------


def test_distance_to_the_nearest_masked_base_by_hand():
    """Base 3 is masked: it lies between edges 3 and 4."""
    masked = np.zeros((3, 8), dtype=bool)
    masked[0, 3] = True
    masked[1, [0, 7]] = True
    found = masked_p.distance_to_masked(masked)
    assert found[0].tolist() == [4, 3, 2, 1, 1, 2, 3, 4]
    assert found[1].tolist() == [1, 1, 2, 3, 4, 3, 2, 1]
    assert (found[2] > 8).all()


def test_distance_equals_a_double_loop():
    masked = np.random.default_rng(0).random((4, 50)) < 0.1
    masked[:, 20] = True
    found = masked_p.distance_to_masked(masked)
    for row, edges in zip(masked, found, strict=True):
        at = np.flatnonzero(row)
        for t, distance in enumerate(edges):
            assert distance == min(t - x if x < t else x - t + 1 for x in at)


def test_bins_hold_every_distance_once():
    for distance in range(1, 300):
        inside = [n for n, low, high in masked_p.BINS if low <= distance <= (high or math.inf)]
        assert len(inside) == 1


def test_sparse_masks_are_one_letter_in_256_and_never_an_n():
    windows = np.zeros((5, 1024), dtype=np.uint8)
    chosen = masked_p.choose_sparse(windows)
    assert chosen.sum(axis=1).tolist() == [4] * 5
    assert (np.diff(np.flatnonzero(chosen[2])) == 256).all()
    assert np.flatnonzero(chosen[0])[0] != np.flatnonzero(chosen[1])[0]
    windows[:] = 4
    assert not masked_p.choose_sparse(windows).any()


def test_masked_p_of_a_model_that_sees_only_the_base_right_of_an_edge():
    """p is 0.9 before an A, 0.2 before any other base, and 0.1 before [MASK]."""
    windows = np.random.default_rng(1).integers(0, 4, size=(20, 512)).astype(np.uint8)

    def predict(ids):
        prob = np.where(ids == 0, 0.9, np.where(ids == MASK, 0.1, 0.2)).astype(np.float32)
        prob[:, 0] = np.nan
        return prob

    found = masked_p.compare_masked(windows, predict, mask_rate=0.15)
    found = found.set_index(["pattern", "distance"])
    masked = masked_p.choose_random(windows, 0.15)
    assert masked.mean() == pytest.approx(0.15, abs=0.02)
    hit, was_a = masked[:, 1:], windows[:, 1:] == 0
    row = found.loc["random", "all"]
    assert row["n_edges"] == 20 * 511
    change = np.where(was_a, 0.8, 0.1) * hit
    assert row["mean_abs_dp"] == pytest.approx(change.mean(), rel=1e-5)
    assert row["flip_rate"] == pytest.approx((hit & was_a).mean(), rel=1e-12)
    for distance in ("2-4", "5-16", "17-64"):
        assert found.loc[("sparse", distance), "mean_abs_dp"] == 0
        assert found.loc[("sparse", distance), "correlation"] == pytest.approx(1)
    assert found.loc[("random", "65+"), "n_edges"] == 0
    assert np.isnan(found.loc[("random", "65+"), "mean_abs_dp"])
    assert found.loc[("sparse", "65+"), "n_edges"] > 0
    of_bins = found.loc["sparse"].drop("all")["n_edges"].sum()
    assert of_bins == found.loc[("sparse", "all"), "n_edges"]


def test_comparing_p_by_hand():
    clean, masked = (np.array(x, np.float32) for x in ([0.2, 0.6, 0.7], [0.2, 0.4, 0.9]))
    n, mean, correlation, flips, before, after = masked_p.compare_p(clean, masked)
    assert (n, flips, before, after) == (3, 1 / 3, 2 / 3, 1 / 3)
    assert mean == pytest.approx(0.4 / 3)
    assert correlation == pytest.approx(np.corrcoef(clean, masked)[0, 1])
    assert np.isnan(masked_p.correlate(np.ones(3), np.arange(3.0)))


def test_chunks_between_boundaries_by_hand():
    prob = np.zeros((2, 100), dtype=np.float32)
    prob[:, 0] = np.nan
    prob[0, [4, 7, 10, 90]] = 0.9
    prob[1, 50] = 0.9
    found = count_chunks(prob)
    assert found.to_dict("list") == {"length": [3, 64], "count": [2, 1]}


# ---- the whole way ------------------------------------------------------------------------------


def test_runs_are_measured_as_they_come(tmp_path):
    grid = read_grid(write_grid(tmp_path))
    runs, found = tmp_path / "runs", tmp_path / "tables"
    with pytest.raises(InputError, match="holds no finished run"):
        measure(grid, data=tmp_path, runs=runs, tables=found, again=False)
    first = grid.model_copy(update={"group": grid.group[:1], "seeds": (1,)})
    train_queue(first, first.queue(), data=tmp_path, runs=runs, deadline=math.inf)
    assert measure(grid, data=tmp_path, runs=runs, tables=found, again=False) == 1
    assert tables.read_table("run", found)["setting"].tolist() == ["learned"]
    second = grid.model_copy(update={"group": grid.group[:2]})
    train_queue(second, second.queue(), data=tmp_path, runs=runs, deadline=math.inf)
    assert measure(grid, data=tmp_path, runs=runs, tables=found, again=False) == 6
    before = {path.name: path.read_bytes() for path in found.iterdir()}
    names = {f"{name}.tsv" for name in (*tables.NAMES, tables.AGREEMENT)}
    assert set(before) == names | {"provenance.json"}
    made_of = json.loads(before["provenance.json"])
    assert len(made_of["runs"]) == 6 and made_of["inputs"][0]["file"] == "genome.fa"
    weights = hash_file(runs / "fixed-seed2" / "model.safetensors")
    assert made_of["runs"]["fixed-seed2"]["weights_sha256"] == weights
    run = tables.read_table("run", found)
    assert run["setting"].tolist() == ["learned"] * 2 + ["fixed"] * 2 + ["one_sided"] * 2
    assert run["flops"].notna().all()
    assert run["budget"].isna().tolist() == [True, True, False, False, False, False]
    assert set(tables.read_table("masked", found)["setting"]) == {"learned", "one_sided"}
    splice = tables.read_table("splice", found)
    assert sorted(set(splice["step"])) == [0, 12]
    assert len(splice) == 2 * 2 * 2
    agreement = tables.read_table("agreement", found)
    # Two seeds of two steps: three pairs within each, and two steps across.
    assert len(agreement) == 3 + 3 + 2
    same = agreement.query("seed_a == seed_b and step_a == step_b")
    assert same["correlation"].to_numpy() == pytest.approx(1)
    assert (same["disagreement"] == 0).all()
    # Measured again: the same bytes.
    measure(grid, data=tmp_path, runs=runs, tables=found, again=True)
    assert before == {path.name: path.read_bytes() for path in found.iterdir()}
    assert is_evaluated(runs / "learned-seed1")


def test_a_run_keeps_its_rows_when_its_weights_are_gone(tmp_path):
    grid = read_grid(write_grid(tmp_path))
    runs, found = tmp_path / "runs", tmp_path / "tables"
    queue = choose_runs(grid, "learned,fixed", None)
    train_queue(grid, queue, data=tmp_path, runs=runs, deadline=math.inf)
    assert measure(grid, data=tmp_path, runs=runs, tables=found, again=False) == 4
    before = {path.name: path.read_bytes() for path in found.iterdir()}
    for name in ("learned-seed1", "fixed-seed2"):
        shutil.move(runs / name, tmp_path / name)
    assert measure(grid, data=tmp_path, runs=runs, tables=found, again=True) == 4
    assert before == {path.name: path.read_bytes() for path in found.iterdir()}
    # Other weights under a name that is at hand: what was between it and the missing run goes.
    weights = load_file(runs / "learned-seed2" / "model.safetensors")
    with safe_open(runs / "learned-seed2" / "model.safetensors", "pt") as content:
        metadata = content.metadata()
    changed = {name: tensor * 1.5 for name, tensor in weights.items()}
    save_file(changed, runs / "learned-seed2" / "model.safetensors", metadata)
    assert measure(grid, data=tmp_path, runs=runs, tables=found, again=True) == 4
    agreement = tables.read_table("agreement", found)
    assert agreement[["seed_a", "seed_b"]].drop_duplicates().to_numpy().tolist() == [[1, 1], [2, 2]]
    run = tables.read_table("run", found)
    old = pd.read_csv(io.BytesIO(before["run.tsv"]), sep="\t")
    same = (run["mask_loss"] == old["mask_loss"]).tolist()
    assert run["seed"].tolist() == [1, 2, 1, 2] and same == [True, False, True, True]


def test_tables_of_another_grid_are_not_mixed(tmp_path):
    grid = read_grid(write_grid(tmp_path))
    runs, found = tmp_path / "runs", tmp_path / "tables"
    queue = choose_runs(grid, "learned", "1")
    train_queue(grid, queue, data=tmp_path, runs=runs, deadline=math.inf)
    measure(grid, data=tmp_path, runs=runs, tables=found, again=False)
    other = grid.model_copy(update={"validation_windows": 3})
    with pytest.raises(InputError, match="holds rows made with other arguments"):
        measure(other, data=tmp_path, runs=runs, tables=found, again=False)
    # The sequence that runs are trained on belongs to it.
    sources = grid.sources.read_text()
    grid.sources.write_text(sources.replace("chr1:1-4000", "chr1:1-3000"))
    with pytest.raises(InputError, match="holds rows made with other sequence"):
        measure(grid, data=tmp_path, runs=runs, tables=found, again=False)


def test_a_table_that_no_run_has_rows_for_is_empty(tmp_path):
    """No splice table without a run whose steps are followed; a later call adds it."""
    grid = read_grid(write_grid(tmp_path))
    runs, found = tmp_path / "runs", tmp_path / "tables"
    train_queue(
        grid, choose_runs(grid, "alpha_0", "1"), data=tmp_path, runs=runs, deadline=math.inf
    )
    assert measure(grid, data=tmp_path, runs=runs, tables=found, again=False) == 1
    assert not (found / "splice.tsv").exists()
    train_queue(
        grid, choose_runs(grid, "learned", "1"), data=tmp_path, runs=runs, deadline=math.inf
    )
    assert measure(grid, data=tmp_path, runs=runs, tables=found, again=False) == 2
    assert set(tables.read_table("splice", found)["setting"]) == {"learned"}


def test_other_weights_are_measured_again(tmp_path):
    grid = read_grid(write_grid(tmp_path))
    runs, found = tmp_path / "runs", tmp_path / "tables"
    train_queue(grid, choose_runs(grid, "fixed,learned", "1"), data=tmp_path, runs=runs,
                deadline=math.inf)  # fmt: skip
    measure(grid, data=tmp_path, runs=runs, tables=found, again=False)
    assert is_evaluated(runs / "fixed-seed1")
    shutil.copy(runs / "learned-seed1" / "model.safetensors", runs / "fixed-seed1")
    assert not is_evaluated(runs / "fixed-seed1")


def test_a_table_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"run\.tsv: no such file; wanted a table of evaluated"):
        tables.read_table("run", tmp_path)


def test_settings_are_selected_in_the_order_asked_for():
    table = pd.DataFrame({"setting": ["b", "a", "c", "a"], "seed": [1, 1, 1, 2]})
    found = tables.select(table, ("a", "b", "missing"))
    assert found["setting"].tolist() == ["a", "a", "b"]
    assert found["seed"].tolist() == [1, 2, 1]
