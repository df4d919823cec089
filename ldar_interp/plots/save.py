"""Write a figure so that the same numbers give the same bytes, and never half a file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from ldar_interp.errors import InputError
from ldar_interp.plots.style import publication_style

# Dates are left out, or two runs of one input would differ.
_METADATA: dict[str, dict[str, Any]] = {
    "pdf": {"CreationDate": None, "ModDate": None},
    "png": {},
    "svg": {"Date": None},
}


def save_figure(
    figure: Figure, stem: str | Path, *, formats: Sequence[str] = ("pdf", "png", "svg")
) -> list[Path]:
    """Write `stem`.pdf, .png (300 dpi) and .svg; all are written before any is put in place.

    Parameters
    ----------
    stem : path without the ending. Existing files of these names are replaced.
    formats : some of `pdf`, `png`, `svg`.

    Returns
    -------
    The paths written, in the order of `formats`.

    Raises
    ------
    InputError : an unknown format, or a folder that is absent or cannot be written.
    """
    for name in formats:
        if name not in _METADATA:
            raise InputError(f"figure format {name!r}; wanted some of {', '.join(_METADATA)}")
    base = Path(stem)
    if not base.parent.is_dir():
        raise InputError(f"{base.parent}: no such folder; make it before saving the figure")
    finals = [base.with_name(f"{base.name}.{name}") for name in formats]
    partials = [path.with_name(f".{path.name}.partial") for path in finals]
    try:
        with publication_style():
            for name, partial in zip(formats, partials, strict=True):
                figure.savefig(partial, format=name, metadata=_METADATA[name])
        for partial, final in zip(partials, finals, strict=True):
            partial.replace(final)
    except OSError as error:
        raise InputError(
            f"{base.parent}: cannot write the figure there ({error.strerror}); "
            "choose a folder that can be written"
        ) from error
    finally:
        for partial in partials:
            partial.unlink(missing_ok=True)
    return finals


def reduce_colours(path: str | Path, *, n_colours: int = 256) -> None:
    """Rewrite a PNG with a palette: a third of the size, for figures that are kept in a repository.

    The same image gives the same bytes. Text and lines stay as they are; of the shades where bands
    overlap, the closest are merged.

    Raises
    ------
    InputError : the file is no image, or n_colours is not 2 to 256.
    """
    from PIL import Image, UnidentifiedImageError

    if not 2 <= n_colours <= 256:
        raise InputError(f"{n_colours} colours; wanted 2 to 256")
    target = Path(path)
    partial = target.with_name(f".{target.name}.partial")
    try:
        with Image.open(target) as image:
            dpi = image.info.get("dpi", (300, 300))
            image.convert("RGB").quantize(n_colours).save(
                partial, format="png", optimize=True, dpi=dpi
            )
        partial.replace(target)
    except (OSError, UnidentifiedImageError) as error:
        raise InputError(f"{target}: cannot be read as an image ({error}); wanted a PNG") from error
    finally:
        partial.unlink(missing_ok=True)
