"""The writing end of a journal: what the server acknowledged, in the order in which it happened.

A journal is one endless run of frames, cut into segments. A frame that does not check is a torn write that was
never acknowledged: the writer cuts it off when it opens the journal. Each worker of a server writes its own journal.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import threading
import zlib
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from mlops_lab.errors import EnvironmentFault
from mlops_lab.files import disk_fault, sync_folder
from mlops_lab.journal.frames import HEADER, frame_bytes
from mlops_lab.journal.segments import SEGMENT_BYTES, frames_of_segment, segment_name, segments


class Journal:
    """The writing end; one process at a time holds it. What is appended is on the disk after the next `sync`.

    `reserve_bytes`: how much of the disk is taken ahead of what is written. A sync then need not note that the file has
    grown, which makes it several times faster.
    """

    def __init__(self, path: Path, *, reserve_bytes: int = 0, segment_bytes: int = SEGMENT_BYTES) -> None:
        self.path = path
        self._segment_bytes = segment_bytes
        self._reserve_bytes = reserve_bytes if hasattr(os, "posix_fallocate") else 0
        self._syncing = threading.Lock()  # whoever syncs a segment must not see it closed
        self._unsure = False
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o644)
            self._take_lock()
            start = max(segments(path), default=0)
            good = 0
            if (path / segment_name(start)).exists():
                good = max((end for end, _ in frames_of_segment(path, start, start)), default=start) - start
            self._open_segment(start, good)
        except OSError as error:
            raise disk_fault(error, path) from error
        self.synced = self._start  # what an earlier process left may not be on the disk yet

    def append(self, payloads: Sequence[bytes]) -> int:
        """Write the payloads as frames in one go; the position after the last.

        Where the disk refuses (EnvironmentFault: it is full, …) whole frames may be in the journal, and half of one
        never is: what came of it is read by `read_journal`.
        """
        lengths, checksums = map(len, payloads), map(zlib.crc32, payloads)
        frames = zip(map(HEADER.pack, lengths, checksums), payloads, strict=True)
        data = b"".join(chain.from_iterable(frames))
        if self._reserve_bytes and self._size + len(data) > self._reserved:
            self._reserve(len(data))
        written = 0
        try:
            written = os.pwrite(self._file, data, self._size)
            if written < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self._size += _whole(payloads, written)
            self._cut()
            raise disk_fault(error, self.path) from error
        self._size += len(data)
        if self._size >= self._segment_bytes:
            with contextlib.suppress(OSError, EnvironmentFault):  # nothing is lost: the next append tries again
                self._begin_segment()
        return self.position

    def sync(self) -> None:
        """Have everything appended so far on the disk. May run in another thread than `append`."""
        with self._syncing:
            position = self.position
            try:
                if self._unsure:
                    self._write_again()
                os.fdatasync(self._file)
            except OSError as error:
                self._unsure = True
                raise disk_fault(error, self.path) from error
            self._unsure = False
            self.synced = position

    @property
    def position(self) -> int:
        """The LSN after the last frame."""
        return self._start + self._size

    def close(self) -> None:
        """Have everything on the disk and let go of the journal, so that another process may write."""
        try:
            self.sync()
            self._cut()
        finally:
            os.close(self._file)
            os.close(self._lock)

    def _begin_segment(self) -> None:
        self.sync()
        with self._syncing:
            self._cut()
            full = self._file
            self._open_segment(self.position, 0)
            os.close(full)

    def _reserve(self, size: int) -> None:
        with contextlib.suppress(OSError):  # no room for that much: what is written may still fit
            os.posix_fallocate(self._file, self._size, size + self._reserve_bytes)
            self._reserved = self._size + size + self._reserve_bytes

    def _cut(self) -> None:
        """Give back what was reserved or half-written behind the last frame."""
        os.ftruncate(self._file, self._size)
        self._reserved = self._size

    def _open_segment(self, start: int, size: int) -> None:
        path = self.path / segment_name(start)
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            os.ftruncate(file, size)
            sync_folder(self.path)
        except OSError:
            os.close(file)
            if size == 0:  # else what goes on in the segment before would seem to be missing
                path.unlink()
            raise
        self._file, self._start, self._size, self._reserved = file, start, size, size

    def _write_again(self) -> None:
        """After a failed sync the system may take pages for written that are not: write them anew, in their place."""
        since = self.synced - self._start
        os.pwrite(self._file, os.pread(self._file, self._size - since, since), since)

    def _take_lock(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise EnvironmentFault(
                "another server of this project is running",
                code="journal_locked",
                where=str(self.path),
                hint="stop it first, or send to it: `mlops status` shows where it listens",
            ) from None


def _whole(payloads: Sequence[bytes], written: int) -> int:
    """The bytes of the frames that are whole among the first `written`."""
    whole = 0
    for payload in payloads:
        end = whole + frame_bytes(len(payload))
        if end > written:
            break
        whole = end
    return whole
