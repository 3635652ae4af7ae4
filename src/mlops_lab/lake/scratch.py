"""Temporary folders. What was in those of a process that was killed can be many gigabytes: the next one deletes it."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from mlops_lab import clock

_PREFIX = "mlops-lake-"
_MIN_AGE_SECONDS = 60.0
"""How old a folder is at least that is taken for abandoned: a new one is locked a moment after it was made."""


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A new folder for files that are not needed afterwards; it is locked, so that nobody deletes it before."""
    _delete_abandoned(Path(gettempdir()))
    with TemporaryDirectory(prefix=_PREFIX) as name:
        lock = os.open(name, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield Path(name)
        finally:
            os.close(lock)


def _delete_abandoned(parent: Path) -> None:
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # somebody else's, or deleted meanwhile
            if clock.now().timestamp() - folder.stat().st_mtime > _MIN_AGE_SECONDS:
                _delete_unlocked(folder)


def _delete_unlocked(folder: Path) -> None:
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder)
    finally:
        os.close(lock)
