"""A task's files from a data set on the Hugging Face hub, without the package `datasets`.

Only the task's own files are fetched: those in a folder of its name or called after it, else
everything under `data/`. They stay in the hub's cache, and a second call downloads nothing.
"""

import re
from pathlib import Path

from ldar_interp.errors import InputError
from ldar_interp.tasks.registry import Task
from ldar_interp.tasks.tables import find_kind

# `Path("hf://owner/name")` has lost a slash.
_ADDRESS = re.compile(r"hf:/{1,2}(?:datasets/)?([^/]+/[^/]+)/?")


def is_hub_address(folder: str | Path) -> bool:
    """Whether it is `hf://owner/name`, as text or as a Path."""
    return str(folder).startswith("hf:/")


def fetch_task(task: Task, address: str | Path) -> Path:
    """Download a task's files and return the folder that holds them as in the repository.

    Raises
    ------
    InputError : not an address, no connection, no such data set, or it has no files of the task.
    """
    matched = _ADDRESS.fullmatch(str(address))
    if matched is None:
        raise InputError(f"{str(address)!r} is no data set of the hub; wanted hf://owner/name")
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    # Of the package below, whichever it is in this version: no connection is none of the hub's own.
    http_error: type[Exception] = HfHubHTTPError.__mro__[1]

    repo = matched[1]
    try:
        files = HfApi().list_repo_files(repo, repo_type="dataset")
        chosen = _choose_files(task, files)
        if not chosen:
            raise InputError(
                f"{address} has no files of {task.name}; wanted {task.name}/train and test as "
                "FASTA or parquet"
            )
        return Path(snapshot_download(repo, repo_type="dataset", allow_patterns=chosen))
    except (http_error, LocalEntryNotFoundError, OSError, ValueError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(
            f"{address}: cannot be downloaded ({reason[:160]}); check the name and the network, or "
            "download the files and pass their folder"
        ) from None


def _choose_files(task: Task, files: list[str]) -> list[str]:
    readable = [name for name in files if find_kind(Path(name))]
    own = [name for name in readable if task.name in Path(name).parts[:-1]]
    return own or [name for name in readable if name.startswith("data/")]
