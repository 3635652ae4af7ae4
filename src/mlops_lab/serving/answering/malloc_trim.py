"""Memory that the C library keeps for later, though nobody holds it any more."""

from __future__ import annotations

import ctypes


def trim_memory() -> None:
    """Return it to the system. Reading a model leaves ten times what is kept of it, and glibc does not let go by itself
    of what lies below something else; other C libraries need not be asked."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
