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
    assert [path.name for path in data.files] == ["test.csv", "train.csv", "task.toml"]


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


@pytest.mark.parametrize("name", ["yours", "../mine", "", "task.toml"])
def test_a_name_without_a_file_is_told_where_it_belongs(folder, name):
    with pytest.raises(InputError, match=r"for a task of your own, .*task\.toml with"):
        open_task(name, folder / "mine" if name == "../mine" else folder)


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


def test_numbers_that_went_through_pandas_are_labels(folder):
    rows = [(one, float(label)) for one, label in draw_rows(9, 3)]
    write_table(folder / "mine" / "train.csv", rows)
    assert list(read_task(open_task("mine", folder), folder).train["label"]) == [0, 1, 2] * 3
    write_table(folder / "mine" / "train.csv", [(rows[0][0], 0.5), *rows[1:]])
    with pytest.raises(InputError, match=r"label '0\.5' in row 1; wanted 0 to 2"):
        read_task(open_task("mine", folder), folder)
