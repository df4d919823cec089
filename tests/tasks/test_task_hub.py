"""The hub's data set with the download faked: which files are asked for, and what goes wrong."""

from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub.errors import HfHubHTTPError
from task_files import draw_rows, write_fasta

from ldar_interp.errors import InputError
from ldar_interp.tasks.hub import is_hub_address
from ldar_interp.tasks.readers import read_task
from ldar_interp.tasks.registry import find_task

H3 = find_task("H3")
ADDRESS = "hf://InstaDeepAI/nucleotide_transformer_downstream_tasks"


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A repository of given files; returns what was asked for."""
    asked = []

    def serve(*files):
        def list_files(_self, repo, *, repo_type):
            asked.append((repo, repo_type))
            return ["README.md", *files]

        def download(repo, *, repo_type, allow_patterns):
            asked.append((repo, repo_type, tuple(allow_patterns)))
            for name in allow_patterns:
                write_fasta(tmp_path / name, draw_rows(6, seed=len(name)))
            return str(tmp_path)

        monkeypatch.setattr(huggingface_hub.HfApi, "list_repo_files", list_files)
        monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
        return asked

    return serve


@pytest.mark.parametrize("address", [ADDRESS, Path(ADDRESS), ADDRESS + "/",
                                     ADDRESS.replace("hf://", "hf://datasets/")])  # fmt: skip
def test_only_the_files_of_the_task_are_fetched(hub, address):
    asked = hub("H3/train.fna", "H3/test.fna", "H3K9ac/train.fna", "H3/notes.md")
    data = read_task(H3, address)
    repo = "InstaDeepAI/nucleotide_transformer_downstream_tasks"
    assert asked == [(repo, "dataset"), (repo, "dataset", ("H3/train.fna", "H3/test.fna"))]
    assert len(data.train) == len(data.test) == 6 and data.split == "other"
    assert [path.name for path in data.files] == ["test.fna", "train.fna"]


def test_a_repository_without_the_task(hub):
    hub("H4/train.fna")
    with pytest.raises(InputError, match="has no files of H3; wanted H3/train and test as FASTA"):
        read_task(H3, ADDRESS)


@pytest.mark.parametrize("address", ["hf://one", "hf://one/two/three"])
def test_no_address(address):
    assert is_hub_address(address)
    with pytest.raises(InputError, match=f"'{address}' is no data set of the hub"):
        read_task(H3, address)


def test_no_network(monkeypatch):
    def fail(_self, _repo, *, repo_type):
        raise OSError(f"no route to a {repo_type}\nwith many details")

    monkeypatch.setattr(huggingface_hub.HfApi, "list_repo_files", fail)
    with pytest.raises(
        InputError, match=r"cannot be downloaded \(no route to a dataset\); check the name"
    ) as error:
        read_task(H3, ADDRESS)
    assert "\n" not in str(error.value)


def test_no_connection_is_one_line(monkeypatch):
    # What the hub's package lets through when there is no network is of the package below it.
    below = HfHubHTTPError.__mro__[1]

    class ConnectError(below):
        def __init__(self):
            """Without a request, which the package below wants."""

    def list_files(*_, **__):
        raise ConnectError

    monkeypatch.setattr(huggingface_hub.HfApi, "list_repo_files", list_files)
    with pytest.raises(InputError, match=r"cannot be downloaded \(ConnectError\); check the name"):
        read_task(H3, ADDRESS)
