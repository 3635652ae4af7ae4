"""Returns memory that the C library keeps after it was freed."""

from __future__ import annotations

import ctypes


def trim_memory() -> None:
    """Return freed memory to the operating system; does nothing where the C library has no `malloc_trim`.

    Loading a model frees ten times as much memory as the model keeps, and glibc does not return it by itself.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
