"""Errors that users can act on: what was found, what was wanted, what to do.

Every error that wrong input can cause is an `LdarError`. Programs print its one line and end
with exit code 2; anything else that escapes is a bug and keeps its traceback.
"""


class LdarError(Exception):
    """Base of all errors caused by input, arguments or the machine, never by a bug."""


class InputError(LdarError):
    """A file or argument is not what it should be."""


class CoordinateError(InputError):
    """A chromosome, an edge or an interval does not exist where it was asked for."""


class CheckpointError(InputError):
    """A checkpoint cannot be read as LDARNet weights."""


class DeviceError(InputError):
    """A device, dtype or backend was asked for by name and cannot run here."""
