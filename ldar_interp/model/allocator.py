"""Keep memory that was freed, instead of giving it back to the system and faulting it in again.

The pointwise work of a layer allocates and frees buffers of a few MB thousands of times. By default
glibc returns them to the kernel, which has to clear each page anew: measured on two virtual
cores, a third of a training step.
"""

import ctypes
import sys

# mallopt's parameters, from malloc.h.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
_NEVER = 2**31 - 1
_TOP_PAD_BYTES = 64 << 20


def keep_freed_memory() -> bool:
    """Tell the C library of this process to keep freed memory; True if it listened.

    For programs and worker processes, which end when their work does; a library must not decide
    this for its host. Without glibc nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:
        return False
    settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, _NEVER), (_M_TOP_PAD, _TOP_PAD_BYTES))
    answers = [mallopt(name, value) for name, value in settings]  # all are asked for
    return all(answer == 1 for answer in answers)
