"""Returning freed memory: it works where the C library can do it, and is harmless where it cannot."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import pytest

from mlops_lab.serving.answering.malloc_trim import trim_memory


def resident_kib() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_freed_memory_is_returned_to_the_system():
    if not hasattr(ctypes.CDLL(None), "malloc_trim"):
        pytest.skip("this C library has no malloc_trim")
    malloc, free = ctypes.CDLL(None).malloc, ctypes.CDLL(None).free
    malloc.restype, malloc.argtypes, free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
    size, count = 64 * 1024, 800  # small enough for the heap, 50 MiB in all
    blocks = [malloc(size) for _ in range(count)]
    for block in blocks:
        ctypes.memset(block, 1, size)
    kept = malloc(size)  # lies above the others: glibc keeps what is freed below it
    for block in blocks:
        free(block)
    before = resident_kib()
    trim_memory()
    assert resident_kib() < before - count * size / 1024 / 2
    free(kept)


def test_a_c_library_without_it_is_no_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    trim_memory()
    assert not hasattr(ctypes.CDLL(None), "malloc_trim")
