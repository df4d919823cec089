"""Every layout that users have, written small and read back; one test for each error message."""

import dataclasses
import shutil
from pathlib import Path

import pytest
from task_files import (
    draw_rows,
    write_class_folders,
    write_fasta,
    write_table,
    write_text,
)

from ldar_interp.errors import InputError
from ldar_interp.tasks.readers import read_task
from ldar_interp.tasks.registry import find_task

H3 = find_task("H3")
SMALL = dataclasses.replace(H3, n_train=8, n_test=4)
TRAIN, TEST = draw_rows(8, seed=1), draw_rows(4, seed=2)


def check_small(data, train=TRAIN, test=TEST):
    assert list(zip(data.train["sequence"], data.train["label"], strict=True)) == train
    assert list(zip(data.test["sequence"], data.test["label"], strict=True)) == test
    assert list(data.train.columns) == ["row_id", "sequence", "label", "group"]
    assert list(data.test.columns) == ["row_id", "sequence", "label", "group", "leak"]
    assert data.train["row_id"].is_unique and data.test["row_id"].is_unique
    assert data.train["label"].dtype == data.test["label"].dtype == "int64"
    assert all(path.exists() for path in data.files)


@pytest.mark.parametrize("suffix", [".fna", ".fa.gz"])
@pytest.mark.parametrize("inside", ["", "H3"])
def test_fasta_of_the_release(tmp_path, suffix, inside):
    write_fasta(tmp_path / inside / f"train{suffix}", TRAIN)
    write_fasta(tmp_path / inside / f"test{suffix}", TEST)
    data = read_task(SMALL, tmp_path)
    check_small(data)
    assert data.validation is None and data.split == "published" and data.notes == ()
    assert data.train["row_id"][2] == f"train{suffix}:3"


def test_release_with_other_training_rows(tmp_path):
    write_fasta(tmp_path / "train.fna", TRAIN[:6])
    write_fasta(tmp_path / "test.fna", TEST)
    data = read_task(SMALL, tmp_path)
    assert data.split == "published test, other training data"
    assert data.notes == ("6 training rows; published 8.",)


def test_parquet_in_shards_and_folders(tmp_path):
    write_table(tmp_path / "H3" / "train-00000-of-00002.parquet", TRAIN[:3])
    write_table(tmp_path / "H3" / "train-00001-of-00002.parquet", TRAIN[3:])
    write_table(tmp_path / "H3" / "test" / "0000.parquet", TEST)
    data = read_task(SMALL, tmp_path)
    check_small(data)
    assert data.split == "published" and data.test["row_id"][0] == "test/0000.parquet:1"


def test_a_column_names_the_task(tmp_path):
    others = draw_rows(8, seed=3)
    write_table(tmp_path / "data" / "train.parquet", TRAIN + others, task=["H3"] * 8 + ["H4"] * 8)
    write_table(tmp_path / "data" / "test.parquet", TEST, task=["H3"] * 4)
    check_small(read_task(SMALL, tmp_path))


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz"])
@pytest.mark.parametrize("name", ["validation", "dev", "valid"])
def test_tables_with_validation(tmp_path, suffix, name):
    write_table(tmp_path / f"train{suffix}", TRAIN[:4])
    write_table(tmp_path / f"{name}{suffix}", TRAIN[4:])
    write_table(tmp_path / f"test{suffix}", TEST)
    data = read_task(SMALL, tmp_path)
    check_small(data, train=TRAIN[:4])
    assert data.split == "published" and "part of the published training rows" in data.notes[0]
    pooled = data.pool_training()
    assert list(pooled["sequence"]) == [one for one, _ in TRAIN] and pooled["row_id"].is_unique


def test_tables_of_other_sizes_may_not_be_compared(tmp_path):
    write_table(tmp_path / "train.csv", TRAIN[:6])
    write_table(tmp_path / "test.csv", TEST)
    data = read_task(SMALL, tmp_path)
    assert data.split == "other"
    assert any("does not show that they are the same" in note for note in data.notes)


@pytest.mark.parametrize("as_file", [True, False])
def test_one_table_with_a_split_column(tmp_path, as_file):
    path = write_table(
        tmp_path / "mine.tsv", TRAIN + TEST, split=["train"] * 6 + ["val"] * 2 + ["TEST"] * 4
    )
    data = read_task(SMALL, path if as_file else tmp_path)
    check_small(data, train=TRAIN[:6])
    assert len(data.validation) == 2


def test_one_table_without_split_is_split_by_hash(tmp_path):
    rows = draw_rows(200, length=60)
    path = write_table(tmp_path / "mine.csv", rows + rows[:20])
    data = read_task(dataclasses.replace(H3, length_bp=(60, 60)), path)
    assert data.split == "other" and "split by hash, 70/10/20 %" in data.notes[0]
    assert len(data.train) + len(data.validation) + len(data.test) == 220
    assert 110 < len(data.train) < 200 and (data.test["leak"] == "none").all()
    again = read_task(H3, write_table(tmp_path / "again.csv", rows[::-1] + rows[:20]))
    assert set(again.test["sequence"]) == set(data.test["sequence"])


def test_groups_of_the_source_stay_together_and_reach_over_copies(tmp_path):
    rows = draw_rows(8)
    rows[5] = (rows[0][0], 1)
    write_table(tmp_path / "train.csv", rows, group=["a", "a", "b", "b", "", "c", "c", ""])
    write_table(tmp_path / "test.csv", TEST)
    group = read_task(SMALL, tmp_path).train["group"].tolist()
    assert group[0] == group[1] == group[5] == group[6] and group[2] == group[3]
    assert len(set(group)) == 4


def test_class_folders_of_the_package(tmp_path):
    task = dataclasses.replace(find_task("human_nontata_promoters"), n_train=4, n_test=4)
    write_class_folders(tmp_path / task.name, task.classes)
    data = read_task(task, tmp_path)
    assert data.split == "published" and data.reader == "genomic-benchmarks folders"
    assert data.train["row_id"].tolist() == [
        f"train/{name}/{i}.txt" for name, i in
        (("negative", 0), ("negative", 2), ("positive", 1), ("positive", 3))
    ]  # fmt: skip
    assert data.train["label"].tolist() == [0, 0, 1, 1]


def test_class_names_are_labels(tmp_path):
    rows = [(one, H3.classes[label]) for one, label in TRAIN]
    write_table(tmp_path / "train.csv", rows)
    write_table(tmp_path / "test.csv", TEST)
    check_small(read_task(SMALL, tmp_path))


def test_odd_rows_are_counted(tmp_path):
    train = [(TRAIN[0][0].lower().replace("t", "u"), 0), ("RYN" + TRAIN[1][0][:7], 1), ("", 0)]
    train += [(TRAIN[1][0], 1), (TRAIN[1][0], 0), *TRAIN[2:5]]
    write_table(tmp_path / "train.csv", train)
    write_table(tmp_path / "test.csv", [*TEST[:3], (TRAIN[1][0], 0)])
    data = read_task(SMALL, tmp_path)
    assert data.train["sequence"][0] == TRAIN[0][0]
    assert data.train["sequence"][1].startswith("NNN")
    assert data.test["leak"].tolist() == ["none", "none", "none", "exact"]
    assert data.notes == (
        "Rows without a base, left out: 1 of train.",
        "Letters other than A, C, G, T, read as N: in 1 of 7 train rows.",
        "Other lengths than published (290 to 500 bp): 1 of 7 train rows, 10 bp.",
        "Repeats on either strand: 1 of 7 training rows; sequences with more than one label: 1.",
        "Leak, exact (the same sequence in a training row, on either strand): 1 of 4 test rows, "
        "1 of them with another label there.",
    )


def test_a_missing_class_is_said(tmp_path):
    task = dataclasses.replace(find_task("splice_sites_all"), n_train=8, n_test=4)
    write_table(tmp_path / "train.csv", draw_rows(8, 3, 400))
    write_table(tmp_path / "test.csv", draw_rows(4, 2, 400, seed=1))
    assert read_task(task, tmp_path).notes == ("Classes without a test row: none.",)


# Errors


def test_no_folder(tmp_path):
    with pytest.raises(InputError, match="nowhere does not exist; wanted data of H3: download the"):
        read_task(H3, tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("H4ac", "folder H4ac of https://huggingface.co/"),
        ("demo_human_or_worm", "pip install genomic-benchmarks"),
    ],
)
def test_no_data_says_where_to_get_them(tmp_path, name, hint):
    with pytest.raises(InputError, match=f"has no data of {name}; to get them, ") as error:
        read_task(find_task(name), tmp_path)
    assert hint in str(error.value) and "\n" not in str(error.value)


def test_the_folder_of_another_task(tmp_path):
    write_fasta(tmp_path / "H4" / "train.fna", TRAIN)
    with pytest.raises(InputError, match="H4 is the folder of H4; wanted that of H3"):
        read_task(H3, tmp_path / "H4")


def test_several_files_of_any_name(tmp_path):
    for name in ("one.csv", "two.csv"):
        write_table(tmp_path / name, TRAIN)
    with pytest.raises(InputError, match=r"holds one\.csv, two\.csv; wanted train and test files"):
        read_task(H3, tmp_path)


def test_unknown_split(tmp_path):
    path = write_table(tmp_path / "a.csv", TEST, split=["train", "fold1", "test", "test"])
    with pytest.raises(InputError, match="split 'fold1'; wanted train, validation or test"):
        read_task(H3, path)


@pytest.mark.parametrize("label", ["2", "-1", "1.5", ""])
def test_unknown_label(tmp_path, label):
    write_table(tmp_path / "train.csv", [*TRAIN[:2], (TRAIN[2][0], label)])
    write_table(tmp_path / "test.csv", TEST)
    with pytest.raises(
        InputError,
        match=f"train rows .* label '{label}' in row 3; wanted 0 to 1 or unmarked, marked",
    ):
        read_task(H3, tmp_path)


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_constant_labels(tmp_path, part):
    for name in ("train", "validation", "test"):
        rows = TRAIN if name != part else [(one, 1) for one, _ in TRAIN]
        write_table(tmp_path / f"{name}.csv", rows)
    if part == "validation":
        # They are pooled with the training rows.
        data = read_task(SMALL, tmp_path)
        assert "Classes without a validation row: unmarked." in data.notes
        assert data.pool_training()["label"].nunique() == 2
        return
    with pytest.raises(
        InputError, match=f"{part} rows of .*: only class 'marked'; wanted rows of at least two"
    ):
        read_task(SMALL, tmp_path)


def test_a_part_without_rows(tmp_path):
    write_table(tmp_path / "train.csv", TRAIN)
    write_table(tmp_path / "test.csv", [])
    with pytest.raises(InputError, match=r"test rows of .*: no row; wanted rows of at least two"):
        read_task(H3, tmp_path)


def test_no_label_column(tmp_path):
    path = write_text(tmp_path / "a.csv", "seq,label\nACGT,1\n")
    with pytest.raises(InputError, match=r"no column sequence; wanted .*, found seq, label"):
        read_task(H3, path)


@pytest.mark.parametrize("header", [">name", ">name|", ">"])
def test_no_label_in_the_header(tmp_path, header):
    path = write_text(tmp_path / "a.fa", f">x|1\nACGT\n{header}\nACGT\n")
    with pytest.raises(InputError, match=r"a\.fa:3: header .* has no label; wanted it behind"):
        read_task(H3, path)


def test_letters_before_a_header(tmp_path):
    path = write_text(tmp_path / "a.fa", "ACGT\n>x|1\nACGT\n")
    with pytest.raises(InputError, match=r"a\.fa:1: letters before any header"):
        read_task(H3, path)


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.fna.gz", "a.parquet", "a.fna", "a.tsv"])
def test_broken_files(tmp_path, name):
    content = {"a.fna": b">x|1\n\xff\xff", "a.csv": b"", "a.tsv": b'sequence\tlabel\n"A\t1\n'}
    path = Path(tmp_path / name)
    path.write_bytes(content.get(name, b"\x1f\x8bbroken"))
    with pytest.raises(InputError, match=rf"{name}: cannot be read \(.*\); wanted FASTA") as error:
        read_task(H3, path)
    assert "\n" not in str(error.value)


def test_a_file_of_another_kind(tmp_path):
    path = write_text(tmp_path / "a.bed", "chr1\t1\t2\n")
    with pytest.raises(InputError, match=r"a\.bed: unknown kind of file; wanted FASTA, CSV, TSV"):
        read_task(H3, path)


def test_folders_of_other_classes(tmp_path):
    task = find_task("human_ensembl_regulatory")
    write_class_folders(tmp_path / task.name, ("negative", "positive"))
    with pytest.raises(InputError, match="folders negative, positive; wanted those of human_ens"):
        read_task(task, tmp_path)


def test_a_broken_text_file(tmp_path):
    task = find_task("human_nontata_promoters")
    folder = write_class_folders(tmp_path / task.name, task.classes)
    (folder / "train" / "negative" / "0.txt").write_bytes(b"\xff")
    with pytest.raises(InputError, match=r"0\.txt: cannot be read \(not text\); wanted one DNA"):
        read_task(task, tmp_path)


def test_a_collected_file_without_the_columns_of_its_protocol(tmp_path):
    for name in ("nt_test.csv.gz", "gue.csv.gz"):
        write_table(tmp_path / "H3" / name, TRAIN)
    with pytest.raises(InputError, match="has no column gue_split and in_nt_test, which its proto"):
        read_task(H3, tmp_path)


def test_collected_rows_without_the_real_files(tmp_path):
    """The histone protocol on rows of our own: which go where, and which are left out."""
    write_table(tmp_path / "nt_test.csv.gz", TEST)
    write_table(
        tmp_path / "gue.csv.gz",
        TRAIN + TEST[:2],
        gue_split=["dev"] * 4 + ["test"] * 4 + ["dev", "test"],
        in_nt_test=[0] * 8 + [1, 1],
    )
    data = read_task(dataclasses.replace(SMALL, n_train=100), tmp_path)
    check_small(data, train=TRAIN[:4])
    assert len(data.validation) == 4 and data.split == "published test, other training data"
    assert "GUE rows that are in the NT test, left out: 2." in data.notes
    assert "8 training rows; published 100." in data.notes


@pytest.mark.parametrize(
    ("task", "labels"),
    [
        ("splice_sites_all", [0, 1, 2, 2]),
        ("splice_sites_acceptors", [1, 0, 0, 0]),
        ("splice_sites_donors", [0, 1, 0, 0]),
    ],
)
def test_stand_ins_for_splice_sites(tmp_path, task, labels):
    rows = list(
        zip([one for one, _ in draw_rows(10, length=400)], [0, 1, 2, 2] * 2 + [0, 1], strict=True)
    )
    write_table(
        tmp_path / "splice_sites_all" / "gue_reconstructed.csv.gz",
        rows,
        gue_split=["dev"] * 4 + ["test"] * 6,
        test_row_also_in_dev=[0] * 8 + [1, 1],
    )
    data = read_task(find_task(task), tmp_path)
    assert data.train["label"].tolist() == data.test["label"].tolist() == labels
    assert data.split == "other" and "Test rows that are also in dev, left out: 2." in data.notes


def test_groups_hold_where_rows_are_split_by_hash(tmp_path):
    rows = draw_rows(60, seed=4)
    groups = [f"gene{i // 5}" for i in range(60)]
    write_table(tmp_path / "all.csv", rows, group=groups)
    data = read_task(SMALL, tmp_path)
    gene = dict(zip([one for one, _ in rows], groups, strict=True))
    parts = [{gene[one] for one in part["sequence"]} for part in (data.train, data.test)]
    assert parts[0] and parts[1] and not parts[0] & parts[1]
    assert data.test.groupby("group")["sequence"].count().eq(5).all()


def test_groups_that_a_given_split_cuts_are_counted(tmp_path):
    write_table(tmp_path / "train.csv", TRAIN, group=list("aabbccdd"))
    write_table(tmp_path / "test.csv", TEST, group=["d", "d", "e", ""])
    note = "Groups on both sides of the split: 2 of 4 test rows have training rows of their group."
    assert note in read_task(SMALL, tmp_path).notes


def test_a_null_sequence_is_a_row_without_a_base(tmp_path):
    rows = [(None, 0), *TRAIN[1:]]
    write_table(tmp_path / "train.parquet", rows)
    write_table(tmp_path / "test.parquet", TEST)
    data = read_task(SMALL, tmp_path)
    assert len(data.train) == 7 and "Rows without a base, left out: 1 of train." in data.notes


def test_class_folders_of_one_part_only(tmp_path):
    task = find_task("human_nontata_promoters")
    write_class_folders(tmp_path, task.classes)
    shutil.rmtree(tmp_path / "test")
    with pytest.raises(InputError, match="test has no folders of classes, and train beside it"):
        read_task(task, tmp_path)
