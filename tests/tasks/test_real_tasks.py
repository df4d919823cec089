"""Every task that real data were collected for, against the counts of its PROVENANCE.md."""

import functools
from pathlib import Path

import pandas as pd
import pytest

from ldar_interp.errors import InputError
from ldar_interp.tasks.readers import read_task
from ldar_interp.tasks.registry import find_task, tasks_of

BENCHMARKS = Path("shared") / "data" / "benchmarks"
# Beside the project, or beside a folder that holds it.
ROOT = next(
    (one / BENCHMARKS for one in Path(__file__).resolve().parents if (one / BENCHMARKS).is_dir()),
    BENCHMARKS,
)
pytestmark = pytest.mark.skipif(not ROOT.is_dir(), reason=f"no ../{BENCHMARKS}: no real task data")

# Train, validation and test rows, counts of the test labels, leaks (exact, near), split.
HISTONE = "published test, other training data"
EXPECTED = {
    "H3": (1341, 1347, (730, 767), (0, 146), HISTONE),
    "H4": (1313, 1336, (813, 648), (0, 108), HISTONE),
    "H3K9ac": (2496, 2492, (1237, 1542), (0, 320), HISTONE),
    "H3K14ac": (2999, 2988, (1428, 1877), (0, 412), HISTONE),
    "H3K4me1": (2829, 2863, (1441, 1727), (0, 363), HISTONE),
    "H3K4me2": (2781, 2779, (1254, 1815), (0, 327), HISTONE),
    "H3K36me3": (3128, 3152, (1599, 1889), (0, 386), HISTONE),
    "enhancers": (2968, None, (200, 200), (100, 0), HISTONE),
    "enhancers_types": (2968, None, (200, 100, 100), (100, 0), HISTONE),
    "promoter_all": (5920, None, (2940, 2980), (1, 59), "other"),
    "promoter_no_tata": (5307, None, (2625, 2682), (3, 52), "other"),
    "promoter_tata": (4904, 613, (315, 298), (6, 14), "other"),
    "splice_sites_all": (4562, None, (944, 1005, 2581), (0, 682), "other"),
    "splice_sites_acceptors": (4562, None, (3586, 944), (0, 682), "other"),
    "splice_sites_donors": (4562, None, (3525, 1005), (0, 682), "other"),
}
# Rows of the whole file, by label; split by hash.
SPLIT_HERE = {
    "human_nontata_promoters": (4119, 4915),
    "human_ensembl_regulatory": (500, 500, 500),
    "human_ocr_ensembl": (500, 500),
}


@functools.cache
def read(name):
    return read_task(find_task(name), ROOT)


def count(frame):
    return tuple(frame["label"].value_counts().sort_index())


@pytest.mark.parametrize("name", EXPECTED)
def test_counts_of_the_provenance(name):
    data = read(name)
    n_train, n_validation, labels, leaks, split = EXPECTED[name]
    assert len(data.train) == n_train and count(data.test) == labels and data.split == split
    assert (None if data.validation is None else len(data.validation)) == n_validation
    found = data.test["leak"].value_counts()
    assert (found.get("exact", 0), found.get("near", 0)) == leaks
    for frame in filter(lambda one: one is not None, (data.train, data.validation, data.test)):
        assert frame["row_id"].is_unique
        assert frame["sequence"].str.fullmatch("[ACGTN]+").all()
    assert any("training rows; published" in note for note in data.notes)


@pytest.mark.parametrize("name", SPLIT_HERE)
def test_files_with_one_part_are_split_by_hash_without_leaks(name):
    data = read(name)
    whole = pd.concat([data.train, data.validation, data.test])
    assert count(whole) == SPLIT_HERE[name] and data.split == "other"
    shares = [len(part) / len(whole) for part in (data.train, data.validation, data.test)]
    assert shares == pytest.approx([0.7, 0.1, 0.2], abs=0.035)
    assert (data.test["leak"] == "none").all()
    assert not set(data.test["group"]) & set(data.pool_training()["group"])
    assert "split by hash, 70/10/20 %" in data.notes[0]


def test_flagged_rows_of_the_source_are_those_that_are_found():
    data = read("enhancers")
    flagged = pd.read_csv(ROOT / "enhancers" / "liu2016_test.csv.gz")["also_in_train"] == 1
    assert ((data.test["leak"] == "exact") == flagged).all()
    # Strong enhancers alone are leaked.
    kinds = read("enhancers_types").test
    assert set(kinds["label"][kinds["leak"] == "exact"]) == {2}


def test_rows_that_must_not_be_trained_on_are_not():
    data = read("H3")
    assert not set(data.pool_training()["sequence"]) & set(data.test["sequence"])
    assert "GUE rows that are in the NT test, left out: 306." in data.notes


def test_stand_ins_have_the_sites_that_they_are_named_for():
    acceptors, donors = read("splice_sites_acceptors").test, read("splice_sites_donors").test
    site = acceptors["sequence"][acceptors["label"] == 1].str[198:200]
    assert (site == "AG").mean() > 0.99
    site = donors["sequence"][donors["label"] == 1].str[200:202]
    assert (site == "GT").mean() > 0.98


def test_regulatory_classes_have_the_lengths_of_their_names():
    frame = read("human_ensembl_regulatory").pool_training()
    mean = frame["sequence"].str.len().groupby(frame["label"]).mean()
    # Official means: enhancer 394, open chromatin 326, promoter 565.
    assert mean[2] > mean[0] > mean[1]


def test_pairs_of_the_reconstruction_stay_together():
    path = ROOT / "promoter_tata" / "nt_style_reconstruction.csv.gz"
    data = read_task(find_task("promoter_tata"), path)
    assert (len(data.train), len(data.test), data.split) == (5510, 620, "other")
    assert not set(data.train["group"]) & set(data.test["group"])
    assert data.train.groupby("group")["label"].nunique().eq(2).all()


def test_repeats_of_gue_are_those_of_the_provenance():
    notes = read("promoter_tata").notes
    assert "Validation rows with the sequence of a train row: 14." in notes
    assert any("read as N: in 1 of 5920" in note for note in read("promoter_all").notes)


@pytest.mark.parametrize(
    "task", [task for task in tasks_of("all") if task.name not in {*EXPECTED, *SPLIT_HERE}],
    ids=lambda task: task.name,
)  # fmt: skip
def test_tasks_without_data_say_where_to_get_them(task):
    with pytest.raises(InputError, match=f"has no data of {task.name}; to get them, "):
        read_task(task, ROOT)


def test_a_home_of_another_task_can_be_given():
    data = read_task(find_task("enhancers_types"), ROOT / "enhancers")
    assert len(data.train) == 2968 and set(data.test["label"]) == {0, 1, 2}
