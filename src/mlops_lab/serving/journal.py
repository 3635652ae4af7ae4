"""The journal: what the server acknowledged, in checksummed frames, in the order in which it happened.

A frame is `length (u32) | crc32 (u32) | payload`, little-endian. The journal is one endless run of bytes cut into
segment files named after the position (LSN, log sequence number) of their first byte. A frame that does not check
is a torn write that nobody was told about: the writer cuts it off when it opens the journal.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from itertools import pairwise, zip_longest
from pathlib import Path

from mlops_lab.errors import EnvironmentFault

_HEADER = struct.Struct("<II")
SEGMENT_BYTES = 64 * 1024 * 1024


class Journal:
    """The writing end; one process at a time holds it."""

    def __init__(self, path: Path, *, fsync: bool = True, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._path = path
        self._fsync = fsync
        self._segment_bytes = segment_bytes
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o644)
            self._take_lock()
            start = max(segments(path), default=0)
            good = 0
            if (path / segment_name(start)).exists():
                good = sum(_HEADER.size + len(payload) for _, payload in _frames(path, start, start))
            self._open_segment(start, good)
        except OSError as error:
            raise disk_fault(error, path) from error

    def append(self, payloads: Sequence[bytes]) -> int:
        """Write the payloads as frames in one go; the position after the last.

        On an error nothing of them stays in the journal (EnvironmentFault: the disk is full, …).
        """
        data = b"".join(_HEADER.pack(len(payload), zlib.crc32(payload)) + payload for payload in payloads)
        try:
            written = os.write(self._file, data)
            if written < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if self._fsync:
                os.fdatasync(self._file)
        except OSError as error:
            os.ftruncate(self._file, self._size)
            os.lseek(self._file, self._size, os.SEEK_SET)
            raise disk_fault(error, self._path) from error
        self._size += len(data)
        if self._size >= self._segment_bytes:
            full = self._file
            with contextlib.suppress(OSError):  # nothing is lost: the next append tries again
                self._open_segment(self.position, 0)
                os.close(full)
        return self.position

    @property
    def position(self) -> int:
        """The LSN after the last frame."""
        return self._start + self._size

    def close(self) -> None:
        """Let go of the journal, so that another process may write."""
        os.close(self._file)
        os.close(self._lock)

    def _open_segment(self, start: int, size: int) -> None:
        file = os.open(self._path / segment_name(start), os.O_RDWR | os.O_CREAT, 0o644)
        os.ftruncate(file, size)
        os.lseek(file, size, os.SEEK_SET)
        self._file, self._start, self._size = file, start, size

    def _take_lock(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise EnvironmentFault(
                "another server of this project is running",
                code="journal_locked",
                where=str(self._path),
                hint="stop it first, or send to it: `mlops status` shows where it listens",
            ) from None


def is_locked(path: Path) -> bool:
    """Whether a process holds the writing end of the journal."""
    try:
        with (path / "lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def segment_name(start: int) -> str:
    """The file name of the segment whose first byte has the position `start`."""
    return f"{start:020d}.log"


def segments(path: Path) -> list[int]:
    """The first positions of all segments, in order."""
    return sorted(int(file.stem) for file in path.glob("*.log")) if path.is_dir() else []


def read_journal(path: Path, since: int) -> Iterator[tuple[int, bytes]]:
    """(position after it, payload) of every whole frame at or after the position `since`, in order.

    Stops at the first frame that does not check: it is being written, or was torn. Safe beside a writer.
    """
    starts = segments(path)
    if starts and since < starts[0]:
        raise EnvironmentFault(
            f"begins at {starts[0]}, but {since} was asked for: a segment is missing",
            code="journal_gap",
            where=str(path),
            hint="restore the folder from a backup",
        )
    for start, end in zip_longest(starts, starts[1:]):
        if end is not None and end <= since:
            continue
        reached = max(since, start)
        for position, payload in _frames(path, start, reached):
            reached = position
            yield position, payload
        if end is not None and reached != end:
            raise EnvironmentFault(
                f"a frame at {reached} does not check, though more was written after it",
                code="journal_damaged",
                where=str(path / segment_name(start)),
                hint="restore the folder from a backup",
            )


def drop_segments(path: Path, until: int) -> None:
    """Delete the segments that end at or before `until`; the last one always stays."""
    starts = segments(path)
    for start, end in pairwise(starts):
        if end <= until:
            (path / segment_name(start)).unlink(missing_ok=True)


def _frames(path: Path, start: int, since: int) -> Iterator[tuple[int, bytes]]:
    with (path / segment_name(start)).open("rb") as file:
        file.seek(since - start)
        data = file.read()
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, checksum = _HEADER.unpack_from(data, offset)
        end = offset + _HEADER.size + length
        payload = data[offset + _HEADER.size : end]
        if length == 0 or end > len(data) or zlib.crc32(payload) != checksum:
            return
        offset = end
        yield since + offset, payload


def disk_fault(error: OSError, path: Path) -> EnvironmentFault:
    """What the disk said, as an error with a hint."""
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    return EnvironmentFault(
        "the disk is full" if full else f"cannot be written: {error.strerror}",
        code="disk_full" if full else "disk_fault",
        where=str(path),
        hint="free some space: nothing was half-written" if full else "make the folder writable, or move the project",
    )
