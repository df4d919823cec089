"""Pooled states: what they are, that a cache gives the same, and what is said of a damaged one."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import decode, encode, reverse_complement
from ldar_interp.model.checkpoint import load_model, preset, random_model, save_model
from ldar_interp.tune import embedding_cache, embeddings
from ldar_interp.tune.embeddings import describe_states, embed, hash_weights
from ldar_interp.tune.pooling import pool_chunks, pool_mean

rng = np.random.default_rng(0)
SEQUENCES = ["".join(rng.choice(list("ACGTN"), n, p=[0.24] * 4 + [0.04])) for n in (40, 1, 25, 40)]


@pytest.fixture(scope="module")
def model():
    return load_model("random:nano", seed=1, backend="torch")


def run(model, sequences=SEQUENCES, *, pooling="linear", rc_average=False, cache=None, **more):
    return embed(
        model,
        sequences,
        pooling=pooling,
        rc_average=rc_average,
        cache=cache,
        weights_id="w",
        **more,
    )


def forbid_running(monkeypatch):
    def fail(*_):
        raise AssertionError("the model was run")

    monkeypatch.setattr(embeddings, "pool_batch", fail)


def test_pooling_by_hand():
    """Chunks {0, 1}, {2} and, of the second sequence, {0} and {1}; base 2 there is padding."""
    hidden = torch.tensor([[[1.0], [3.0], [8.0]], [[1.0], [3.0], [9.0]]])
    mask = torch.tensor([[True, True, True], [True, True, False]])
    starts = torch.tensor([[True, False, True], [False, True, False]])
    assert pool_mean(hidden, mask).tolist() == [[4.0], [2.0]]
    assert pool_chunks(hidden, mask, starts).tolist() == [[5.0], [2.0]]
    assert pool_mean(hidden[:1], None).tolist() == [[4.0]]
    assert pool_chunks(hidden[:1], None, starts[:1]).tolist() == [[5.0]]


def test_states_are_those_of_the_model_alone(model):
    found = {pooling: run(model, pooling=pooling) for pooling in ("linear", "chunks")}
    for row, sequence in enumerate(SEQUENCES):
        ids = torch.from_numpy(encode(sequence).astype(np.int64))[None]
        with torch.inference_mode():
            out = model(ids)
        starts = np.flatnonzero(out.boundaries[0].is_boundary[0].numpy())
        hidden = out.hidden[0].numpy()
        chunks = [part.mean(0) for part in np.split(hidden, starts[1:])]
        assert found["linear"][row] == pytest.approx(hidden.mean(0), abs=1e-5)
        assert found["chunks"][row] == pytest.approx(np.mean(chunks, axis=0), abs=1e-5)
    assert found["linear"].dtype == np.float32 and found["linear"].shape == (4, 32)


def test_both_strands(model):
    other = [decode(reverse_complement(encode(s))) for s in SEQUENCES]
    both = run(model, rc_average=True)
    assert both == pytest.approx((run(model) + run(model, other)) / 2, abs=1e-6)
    assert both == pytest.approx(run(model, other, rc_average=True), abs=1e-6)


def test_by_default_the_given_strand_is_read_and_weights_name_themselves(
    model, tmp_path, monkeypatch
):
    plain = embed(model, SEQUENCES)
    assert (plain == run(model)).all()
    assert (embed(model, SEQUENCES, cache=tmp_path) == plain).all()
    other = random_model(preset("nano"), seed=2)
    assert (embed(other, SEQUENCES, cache=tmp_path) != plain).any()
    forbid_running(monkeypatch)
    assert (embed(model, SEQUENCES, cache=tmp_path, weights_id=hash_weights(model)) == plain).all()


def test_one_sequence_by_itself_is_no_list_of_them(model):
    with pytest.raises(InputError, match="one sequence by itself; wanted a list"):
        embed(model, "ACGT")


def test_nothing_to_embed(model, tmp_path):
    assert run(model, []).shape == (0, 32)
    assert run(model, [], cache=tmp_path, rc_average=True).shape == (0, 32)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_workers_change_nothing(model, monkeypatch):
    monkeypatch.setattr(embeddings, "_CPU_BATCH_BP", 60)
    assert (run(model, workers=2) == run(model)).all()


def test_the_cache_gives_the_same_without_the_model(model, tmp_path, monkeypatch):
    first = run(model, cache=tmp_path)
    plain = run(model), run(model, pooling="chunks")
    forbid_running(monkeypatch)
    assert (run(model, cache=tmp_path) == first).all()
    assert (first == plain[0]).all()
    # Another head, a subset in another order, lower case.
    assert (run(model, cache=tmp_path, pooling="chunks") == plain[1]).all()
    assert (run(model, [SEQUENCES[2].lower(), SEQUENCES[0]], cache=tmp_path) == first[[2, 0]]).all()


def test_only_what_is_missing_is_computed(model, tmp_path, monkeypatch):
    run(model, SEQUENCES[:2], cache=tmp_path)
    seen, plan = [], embeddings.plan_batches

    def watch(lengths, max_bases):
        seen.append(lengths)
        return plan(lengths, max_bases)

    monkeypatch.setattr(embeddings, "plan_batches", watch)
    run(model, [*SEQUENCES, SEQUENCES[2]], cache=tmp_path)
    assert seen == [[25, 40]]


def test_states_are_written_on_the_way(model, tmp_path, monkeypatch):
    monkeypatch.setattr(embeddings, "_CPU_BATCH_BP", 40)
    plain = run(model)
    for seconds, n_files in ((3600.0, 1), (0.0, len(SEQUENCES))):
        monkeypatch.setattr(embeddings, "_FLUSH_SECONDS", seconds)
        folder = tmp_path / str(n_files)
        assert run(model, cache=folder) == pytest.approx(plain, abs=1e-6)
        assert len(list(folder.glob("*/*.safetensors"))) == n_files


def test_other_weights_and_other_models_share_nothing(model, tmp_path):
    run(model, cache=tmp_path)
    other = load_model("random:nano", seed=2, backend="torch")
    assert hash_weights(other) != hash_weights(model)
    kind = {"pooling": "linear", "rc_average": False, "cache": tmp_path}
    found = embed(other, SEQUENCES, weights_id=hash_weights(other), **kind)
    assert not np.allclose(found, run(model, cache=tmp_path))
    identity = json.dumps(describe_states(model, "w"))
    assert json.dumps(describe_states(load_model("random:nano", backend="auto"), "w")) != identity
    assert len(list(tmp_path.iterdir())) == 2


def test_weights_are_hashed_by_value(model, tmp_path):
    save_model(model, tmp_path)
    again = load_model(tmp_path)
    assert hash_weights(again) == hash_weights(model) and len(hash_weights(model)) == 64
    with torch.no_grad():
        again.head.weight[0, 0] += 1
    assert hash_weights(again) != hash_weights(model)


@pytest.mark.parametrize("kept", [0, 20, 400])
def test_a_truncated_file_is_said_and_computed_again(model, tmp_path, caplog, kept):
    first = run(model, cache=tmp_path)
    (path,) = tmp_path.glob("*/*.safetensors")
    whole = path.read_bytes()
    path.write_bytes(whole[:kept])
    assert (run(model, cache=tmp_path) == first).all()
    assert f"{path}: is damaged" in caplog.text
    assert "its sequences are computed again" in caplog.text
    assert path.read_bytes() == whole
    assert not list(tmp_path.glob("*/*.partial"))


def test_a_damaged_file_is_said_once(model, tmp_path, caplog):
    """Also where what is written in its stead has another name."""
    run(model, cache=tmp_path)
    (path,) = tmp_path.glob("*/*.safetensors")
    path.write_bytes(b"")
    for _ in range(2):
        run(model, SEQUENCES[:1], cache=tmp_path)
    assert caplog.text.count("is damaged") == 1 and not path.exists()


def test_a_file_of_other_arrays_is_damaged_too(model, tmp_path, caplog):
    from safetensors.numpy import save_file

    first = run(model, cache=tmp_path)
    (path,) = tmp_path.glob("*/*.safetensors")
    save_file({"states": np.zeros(3)}, str(path))
    assert (run(model, cache=tmp_path) == first).all()
    assert "is damaged ('sequence_sha256')" in caplog.text


def test_a_cache_that_cannot_be_written_is_said_before_the_work(model, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    forbid_running(monkeypatch)
    with pytest.raises(InputError, match=r"cannot be written .* make room or choose another cache"):
        run(model, cache=tmp_path / "file")


def test_a_full_disk_leaves_nothing_behind(model, tmp_path, monkeypatch):
    def fail(_content, path):
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(embedding_cache, "save_file", fail)
    with pytest.raises(InputError, match="No space left on device"):
        run(model, cache=tmp_path)
    assert [path.name for path in tmp_path.glob("*/*")] == ["identity.json"]


def test_wrong_input(model):
    with pytest.raises(InputError, match="pooling 'attention' of frozen states; wanted linear or"):
        run(model, pooling="attention")
    with pytest.raises(InputError, match="sequence 1 is empty"):
        run(model, ["A", ""])


def test_a_model_without_router_has_no_chunks():
    small = preset("nano")
    config = replace(
        small, arch_layout=["m1"], **{
            name: getattr(small, name)[:1]
            for name in ("d_model", "d_intermediate", "num_heads", "rotary_emb_dim", "window_size")
        }
    )  # fmt: skip
    flat = random_model(config, seed=0).eval()
    assert np.isfinite(run(flat)).all()
    with pytest.raises(InputError, match="has no router, so no chunks; wanted pooling linear"):
        run(flat, pooling="chunks")
