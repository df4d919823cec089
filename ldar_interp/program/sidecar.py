"""The sidecar of a program's folder: what all of them say in the same words."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ldar_interp.boundaries.consistency import Consistency
from ldar_interp.program.models import OpenModels
from ldar_interp.program.settings import ModelSettings
from ldar_interp.provenance import describe_input, write_provenance

_FILES = frozenset({"ckpt", "fasta", "gtf", "out"})


def describe_program(
    program: str,
    settings: ModelSettings,
    models: OpenModels,
    inputs: Mapping[str, Path],
    *,
    files: Collection[str] = (),
    consistency: Mapping[str, Consistency] | None = None,
) -> dict[str, Any]:
    """What made a result, without paths, so that no machine shows.

    Parameters
    ----------
    inputs : files that were read, by what they are; told by name and hash, as the checkpoint is.
    files : settings that name files, beside the checkpoint, genome, annotation and folder of all
        programs; none of them is among the arguments.
    consistency : what `measure_models` found; None for programs that do not ask.
    """
    content = {
        "program": program,
        "arguments": settings.model_dump(mode="json", exclude={*_FILES, *files}),
        "inputs": {name: describe_input(path) for name, path in inputs.items()}
        | {"checkpoint": models.describe_source()},
        **models.describe(),
        "seed": settings.seed,
    }
    if consistency is not None:
        content["offset_consistency"] = {
            name: found.summary() for name, found in consistency.items()
        }
    return content


def seal_folder(folder: Path, content: Mapping[str, Any]) -> None:
    """Write `provenance.json`, the last file of a folder, with the names of all others."""
    written = sorted(path.name for path in folder.iterdir())
    write_provenance(folder / "provenance.json", {**content, "files": written})
