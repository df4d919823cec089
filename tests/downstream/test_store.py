"""Folds on disk: read back as written, refused when damaged or of another run."""

import numpy as np
import pytest

from ldar_interp.downstream.store import FoldResult, digest, fold_path, read_fold, write_fold
from ldar_interp.errors import InputError


@pytest.fixture
def result():
    return FoldResult(
        np.array([[0.25, 0.75], [0.5, 0.5]], dtype=np.float32),
        np.array([3, 1]),
        np.array([[1, 0], [0, 1]], dtype=np.float32),
        17,
        {"epoch": 2.0},
    )


def test_a_fold_comes_back_as_it_was(tmp_path, result):
    path = fold_path(tmp_path, "H3", "probe", 4)
    assert read_fold(path, "me") is None
    write_fold(path, result, "me")
    found = read_fold(path, "me")
    assert found is not None and found.n_train == 17 and found.chosen == {"epoch": 2.0}
    for name in ("prob", "validation_rows", "validation_prob"):
        np.testing.assert_array_equal(getattr(found, name), getattr(result, name))
    assert [p.name for p in path.parent.iterdir()] == ["fold_04.npz"]


def test_a_fold_of_another_run_is_refused(tmp_path, result):
    path = fold_path(tmp_path, "H3", "probe", 0)
    write_fold(path, result, "me")
    with pytest.raises(InputError, match="belongs to a run with other settings"):
        read_fold(path, "you")


@pytest.mark.parametrize("keep", [0, 40, 200])
def test_a_damaged_fold_is_refused(tmp_path, result, keep):
    path = fold_path(tmp_path, "H3", "probe", 0)
    write_fold(path, result, "me")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"is damaged .* remove this file and add --resume"):
        read_fold(path, "me")


def test_a_folder_that_cannot_be_made_is_said(tmp_path, result):
    (tmp_path / "folds").write_text("")
    with pytest.raises(InputError, match=r"cannot be written .*add --resume"):
        write_fold(fold_path(tmp_path, "H3", "probe", 0), result, "me")


def test_the_order_of_an_identity_does_not_matter():
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
