"""Writing files so that they survive: atomic replacement, syncing, and what the disk says when it refuses."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from mlops_lab.errors import EnvironmentFault


def write_atomically(path: Path, data: bytes, *, durable: bool = True, mode: int = 0o666) -> None:
    """Write a file so that at any moment it holds all of the old or all of the new content; where `durable`, also after
    a power cut. `mode`: who may read and write it, less what the umask takes away."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with open(temporary, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def sync_folder(path: Path) -> None:
    """Have the names of its files on the disk: else a power cut could take a new one with all that is in it."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def disk_fault(error: OSError, path: Path) -> EnvironmentFault:
    """What the disk said, as an error with a hint."""
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    return EnvironmentFault(
        "the disk is full" if full else f"cannot be written: {error.strerror}",
        code="disk_full" if full else "disk_fault",
        where=str(path),
        hint="free some space: nothing was half-written" if full else "make the folder writable, or move the project",
    )
