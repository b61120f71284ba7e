"""How the process deals with memory that it frees."""

import ctypes
import gc
import platform
from collections.abc import Iterator
from contextlib import contextmanager

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # from malloc.h


def keep_freed_memory() -> None:
    """Keeps large blocks for the next step instead of giving them back to the system; does nothing without glibc.

    Otherwise a large stack's activations and gradients are mapped and cleared anew at every step, page by page, which
    takes a fifth of a step of 20 MNIST networks of 8 x 128.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_THRESHOLD, 2**27)  # larger ones, such as the maps of an evaluation, go back at once
        libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


@contextmanager
def without_collection() -> Iterator[None]:
    """Pauses the garbage collector, which otherwise goes through all that was read again and again while more comes."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
