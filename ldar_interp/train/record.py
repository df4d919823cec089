"""What a training run was made with: one entry a call, since a run may go on elsewhere."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ldar_interp.errors import InputError
from ldar_interp.provenance import write_provenance


def record_call(path: Path, run: Mapping[str, Any], call: Mapping[str, Any]) -> None:
    """Add a call to a run's provenance.json; calls that are made again, or did nothing, go.

    Parameters
    ----------
    run : what all calls share.
    call : `first_step` and `last_step` of this call, device and backend.

    Raises
    ------
    InputError : the file is there and is no such record.
    """
    calls: list[Mapping[str, Any]] = []
    if path.exists():
        try:
            earlier = json.loads(path.read_text())["calls"]
            calls = [one for one in earlier if one["last_step"] <= call["first_step"]]
        except (ValueError, LookupError, TypeError) as error:
            raise InputError(
                f"{path}: is not the record of a run ({error!r}); move it away and resume"
            ) from None
    if calls and call["first_step"] == call["last_step"]:
        return
    write_provenance(path, {**run, "calls": [*calls, call]})
