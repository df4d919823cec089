"""Tasks of one's own: what `task.toml` says, and what is said of a wrong one."""

import pytest
from task_files import draw_rows, write_class_folders, write_fasta, write_table, write_text

from ldar_interp.errors import InputError
from ldar_interp.tasks.own import open_task
from ldar_interp.tasks.readers import read_task
from ldar_interp.tasks.registry import find_task

CLASSES = 'classes = ["background", "weak", "strong"]\n'


@pytest.fixture
def folder(tmp_path):
    """A folder of task folders with the task `mine`."""
    write_text(tmp_path / "mine" / "task.toml", CLASSES)
    write_table(tmp_path / "mine" / "train.csv", draw_rows(9, 3, length=30, seed=1))
    write_table(tmp_path / "mine" / "test.csv", draw_rows(6, 3, length=40, seed=2))
    return tmp_path


@pytest.mark.parametrize("inside", ["", "mine", "mine/train.csv"])
def test_a_task_is_what_its_file_says(folder, inside):
    task = open_task("mine", folder / inside)
    assert (task.name, task.suite) == ("mine", "own")
    assert task.classes == ("background", "weak", "strong")
    assert not task.is_stranded
    assert task.n_train is task.n_test is task.length_bp is None


def test_its_rows_are_read_and_compared_with_nothing_published(folder):
    data = read_task(open_task("mine", folder), folder)
    assert list(data.train["label"]) == [0, 1, 2] * 3 and len(data.test) == 6
    assert data.split == "other" and data.notes == ()
    assert [path.name for path in data.files] == ["test.csv", "train.csv"]
    assert [path.name for path in data.inputs] == ["test.csv", "train.csv", "task.toml"]


def test_class_names_are_labels(folder):
    rows = [(one, ["background", "weak", "strong"][label]) for one, label in draw_rows(9, 3)]
    write_table(folder / "mine" / "train.csv", rows)
    write_fasta(folder / "mine" / "extra" / "not_read.fa", rows)
    assert list(read_task(open_task("mine", folder), folder).train["label"]) == [0, 1, 2] * 3


def test_class_folders(tmp_path):
    write_text(tmp_path / "mine" / "task.toml", 'classes = ["b", "a"]\nstranded = true\n')
    write_class_folders(tmp_path / "mine", ("b", "a"), length=30)
    task = open_task("mine", tmp_path)
    assert task.is_stranded
    data = read_task(task, tmp_path)
    assert data.split == "other" and list(data.train["label"]) == [0, 0, 1, 1]


def test_a_registered_name_is_the_registry_s(folder):
    assert open_task("H3", folder) == find_task("H3")
    assert open_task("H3", "hf://owner/name") == find_task("H3")
    write_text(folder / "H3" / "task.toml", CLASSES)
    with pytest.raises(InputError, match=r"of the registry.*wanted a folder of another"):
        open_task("H3", folder)


@pytest.mark.parametrize(
    ("name", "inside", "message"),
    [
        ("yours", "", "FOLDER/yours/task.toml: not there, and no task is called 'yours'; wanted"),
        ("other", "other", "FOLDER/other/task.toml: not there, and no task is called"),
        ("yours", "mine", "FOLDER/mine/yours/task.toml: not there, and"),
        ("yours", "absent", "FOLDER/absent does not exist; wanted the folder of 'yours'"),
        ("yours", "other/all.csv", "FOLDER/other/task.toml: not there, and no task is called"),
        ("my task", "mine", "task 'my task'; wanted a name of at most 100 letters"),
        ("../mine", "mine", "task '../mine'; wanted a name of at most"),
        ("", "mine", "task ''; wanted a name of at most"),
        ("x" * 300, "mine", "task 'xxx"),
    ],
)
def test_a_name_without_a_file_is_told_where_it_belongs(folder, name, inside, message):
    write_table(folder / "other" / "all.csv", draw_rows(4))
    with pytest.raises(InputError) as caught:
        open_task(name, folder / inside)
    assert str(caught.value).startswith(message.replace("FOLDER", str(folder)))


def test_the_folder_may_be_the_working_directory(folder, monkeypatch):
    monkeypatch.chdir(folder / "mine")
    assert open_task("mine", ".").classes == open_task("mine", "..").classes
    assert len(read_task(open_task("mine", "."), ".").train) == 9
    monkeypatch.setenv("HOME", str(folder))
    assert open_task("mine", "~").classes == ("background", "weak", "strong")


def test_a_file_may_lie_in_any_folder(folder):
    (folder / "mine").rename(folder / "enhancers_2024")
    path = folder / "enhancers_2024" / "train.csv"
    write_table(path, draw_rows(60, 3))
    assert len(read_task(open_task("mine", path), path).train) > 30


def test_rows_are_those_beside_the_definition(folder):
    """Not those of the folder above, which are another task's or nobody's."""
    for part in ("train", "test"):
        write_table(folder / f"{part}.csv", draw_rows(9, 3))
        (folder / "mine" / f"{part}.csv").unlink()
    with pytest.raises(InputError, match=r"has no data of mine; .*, beside .*mine.task\.toml"):
        read_task(open_task("mine", folder), folder)


def test_a_folder_of_one_s_own_is_no_registered_task_s(folder):
    write_table(folder / "mine" / "train.csv", draw_rows(8))
    with pytest.raises(InputError, match=r"task\.toml makes the folder a task of your own"):
        read_task(find_task("H3"), folder / "mine")


def test_on_the_hub_only_the_registry_counts():
    with pytest.raises(InputError, match="no task is called 'mine'; wanted one of H3") as caught:
        open_task("mine", "hf://owner/name")
    assert "task.toml" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("classes = [", "is not TOML"),
        ("stranded = true", "classes: Field required"),
        ('classes = ["one"]', "classes: List should have at least 2 items"),
        ('classes = "one, two"', "classes: Input should be a valid list"),
        ("classes = [0, 1]", "classes.0: Input should be a valid string"),
        ('classes = ["a", "a "]', "are not all different names"),
        ('classes = ["a", ""]', "are not all different names"),
        ('classes = ["1", "0"]', "are numbers of other labels"),
        ('classes = ["0.0", "0.5", "1.0"]', "are numbers of other labels"),
        ('clases = ["a", "b"]', "clases: Extra inputs are not permitted"),
        ('classes = ["a", "b"]\nstranded = "no"', "stranded: Input should be a valid boolean"),
        ('classes = ["a", "b"]\nmetric = "mcc"', "metric: Extra inputs are not permitted"),
    ],
)
def test_wrong_files_are_one_line(folder, text, message):
    path = write_text(folder / "mine" / "task.toml", text)
    with pytest.raises(InputError) as caught:
        open_task("mine", folder)
    said = str(caught.value)
    assert said.startswith(f"{path}: ") and message in said and "wanted" in said
    assert "\n" not in said


def test_names_that_are_numbers_keep_their_meaning(folder):
    write_text(folder / "mine" / "task.toml", '\ufeffclasses = ["0.0", "1", "2.5"]')
    rows = [(one, ["0.0", "1.0", "2.5"][label]) for one, label in draw_rows(9, 3)]
    write_table(folder / "mine" / "train.csv", rows)
    task = open_task("mine", folder)
    assert task.classes == ("0.0", "1", "2.5")
    assert list(read_task(task, folder).train["label"]) == [0, 1, 2] * 3


def test_numbers_that_went_through_pandas_are_labels(folder):
    rows = [(one, float(label)) for one, label in draw_rows(9, 3)]
    write_table(folder / "mine" / "train.csv", rows)
    assert list(read_task(open_task("mine", folder), folder).train["label"]) == [0, 1, 2] * 3
    write_table(folder / "mine" / "train.csv", [(rows[0][0], 0.5), *rows[1:]])
    with pytest.raises(InputError, match=r"label '0\.5' in row 1; wanted 0 to 2"):
        read_task(open_task("mine", folder), folder)
