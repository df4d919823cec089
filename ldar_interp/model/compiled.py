"""How loops are compiled for the CPU: by numba, kept on disk where that is possible.

numba keeps compiled code beside the source file, or in the user's cache folder. Where neither can
be written (a package installed read-only, a user without a home), it is compiled in every process
anew, and that is said once.
"""

import functools
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import njit

_log = logging.getLogger(__name__)

# Sums may be reordered and multiply-adds fused; NaN and infinity keep their meaning.
FAST = frozenset({"reassoc", "contract", "nsz"})
# The same without reordering.
ORDERED = frozenset({"contract", "nsz", "arcp"})


def compile_loop(*, fastmath: frozenset[str] = frozenset()) -> Callable[[Callable[..., Any]], Any]:
    """Decorator for a loop over arrays, compiled at its first call.

    Division by zero gives infinity, as in numpy: a check for it would keep loops from being
    vectorised. The interpreter's lock is released.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        options = {"nogil": True, "error_model": "numpy", "fastmath": set(fastmath) or False}
        try:
            return njit(function, cache=True, **options)
        except RuntimeError as error:
            # The only way in which numba says that no cache folder can be written.
            if "no locator available" not in str(error):
                raise
            _say_that_nothing_is_kept()
            return njit(function, **options)

    return decorate


def is_kept(loop: Any) -> bool:
    """True if compiled code of a loop lies on disk, for whatever types."""
    folder = loop.stats.cache_path
    if not folder:
        return False
    name = f"{loop.py_func.__module__.rsplit('.', 1)[-1]}.{loop.py_func.__qualname__}"
    return any(Path(folder).glob(f"{name}-*.nbc"))


@functools.cache
def _say_that_nothing_is_kept() -> None:
    _log.warning(
        "compiled CPU passes cannot be kept: neither the package's folder nor a user cache can be "
        "written; set NUMBA_CACHE_DIR to a folder that can"
    )
