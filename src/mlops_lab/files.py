"""Writing files safely: atomic replacement, syncing to the disk, and clear errors when the disk refuses."""

from __future__ import annotations

import errno
import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mlops_lab.errors import EnvironmentFault, InvalidInput

_UNUSABLE = re.compile(r"[\[\]^|\\?\x00-\x1f]|%[0-9A-Fa-f]{2}")
"""What the libraries that store tables and models take for something else in a path."""


def check_path(folder: Path) -> None:
    """InvalidInput where a folder's path has a character with which no table or model can be stored below it."""
    path = str(folder.absolute())
    if found := _UNUSABLE.search(path):
        raise InvalidInput(
            f"has {found[0]!r} in its path: no tables can be stored there",
            code="unusable_folder",
            where=path,
            hint="rename the folder, or use another one; paths must not have [ ] ^ | ? \\ and no % before two digits",
        )


def write_atomically(path: Path, data: bytes, *, durable: bool = True, mode: int = 0o666) -> None:
    """Replace a file's content in one step: readers see all of the old or all of the new content, nothing between.

    With `durable` this also holds after a power cut. `mode` are the permission bits of the file, before the umask.
    """
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


def sync_file(path: Path) -> None:
    """Bring a file's content to the disk; nothing where there is no such file."""
    with suppress(FileNotFoundError), path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Bring the names of a folder's files to the disk: without it a power cut can lose a new file as a whole."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Held by one process at a time; others wait. The kernel releases it when its holder ends.

    `path` is a folder, or a file, which is made. EnvironmentFault where it cannot be.
    """
    try:
        path.parent.mkdir(exist_ok=True)
        lock = os.open(path, os.O_RDONLY if path.is_dir() else os.O_WRONLY | os.O_CREAT)
    except OSError as error:
        raise disk_fault(error, path) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def check_writers(descriptor: int, path: Path, *, holds: str, code: str) -> os.stat_result:
    """The status of an open file; EnvironmentFault where anybody but this user and root could have written it: what it
    `holds` ("tokens") may then be somebody else's."""
    status = os.fstat(descriptor)
    if status.st_mode & 0o022:
        what, mend = f"other users may write this file (mode {status.st_mode & 0o777:o})", f"chmod 600 {path}"
    elif status.st_uid not in {os.geteuid(), 0}:
        what, mend = f"this file belongs to user {status.st_uid}", f"chown {os.geteuid()} {path}"
    else:
        return status
    raise EnvironmentFault(
        f"{what}, so its {holds} may be somebody else's",
        code=code,
        where=str(path),
        hint=f"look at it, then `{mend}`; or remove it, and create the {holds} again",
    )


def disk_fault(error: OSError, path: Path) -> EnvironmentFault:
    """The error of a failed write, with a hint."""
    is_full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    return EnvironmentFault(
        "the disk is full" if is_full else f"cannot be written: {error.strerror}",
        code="disk_full" if is_full else "disk_fault",
        where=str(path),
        hint="free some space: nothing was half-written"
        if is_full
        else "make the folder writable, or move the project",
    )
