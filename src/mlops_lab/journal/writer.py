"""Writing a journal: everything that the server acknowledged, in the order in which it happened.

A journal is one endless sequence of frames, split into segments. An incomplete last frame is an interrupted write that
was never acknowledged: the writer removes it when it opens the journal. What is damaged stays, and the writer goes on
behind it: readers leave it out, and the loop sets it aside. Each worker of a server writes its own journal, and each
opening begins an epoch of it.
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
from mlops_lab.journal.epochs import begin_epoch, read_epochs, restore_epochs
from mlops_lab.journal.frames import HEADER, cut_bytes, frame_bytes
from mlops_lab.journal.segments import SEGMENT_BYTES, pieces_of_segment, segment_name, segments


class Journal:
    """The writer of a journal; only one process at a time may open it. `sync` brings what was appended to the disk.

    `reserve_bytes`: how much disk space is reserved ahead of what is written. A sync then need not update the size of
    the file, which makes it several times faster.
    """

    def __init__(self, path: Path, *, reserve_bytes: int = 0, segment_bytes: int = SEGMENT_BYTES) -> None:
        self.path = path
        self._segment_bytes = segment_bytes
        self._reserve_bytes = reserve_bytes if hasattr(os, "posix_fallocate") else 0
        self._syncing = threading.Lock()  # a segment must not be closed while it is synced
        self._sync_failed = self._is_deleted = False
        self._size = 0
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o644)
            self._acquire_lock()
            start = max(segments(path), default=0)
            size = _written_bytes(path, start) if (path / segment_name(start)).exists() else 0
            begin_epoch(path, start + size)
            self._epochs = read_epochs(path)
            self._open_segment(start, size)
            for folder in (path.parent, path.parent.parent):  # the folder may be new itself
                sync_folder(folder)
        except OSError as error:
            raise disk_fault(error, path) from error
        self.synced = self._start  # what an earlier process wrote may not be on the disk yet

    def append(self, payloads: Sequence[bytes]) -> int:
        """Append the payloads as frames in one write; returns the position after the last.

        Where the disk refuses (EnvironmentFault: it is full, …) some of the frames may be in the journal, but never a
        part of one: `read_journal` shows which.
        """
        lengths, checksums = map(len, payloads), map(zlib.crc32, payloads)
        frames = zip(map(HEADER.pack, lengths, checksums), payloads, strict=True)
        data = b"".join(chain.from_iterable(frames))
        if self._is_deleted:
            self._write_anew()
        if self._reserve_bytes and self._size + len(data) > self._reserved:
            self._reserve(len(data))
        written = 0
        try:
            written = os.pwrite(self._file, data, self._size)
            if written < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self._size += _complete_bytes(payloads, written)
            self._truncate()
            raise disk_fault(error, self.path) from error
        self._size += len(data)
        if self._size >= self._segment_bytes:
            with contextlib.suppress(OSError, EnvironmentFault):  # nothing is lost: the next append tries again
                self._begin_segment()
        return self.position

    def sync(self) -> None:
        """Bring everything appended so far to the disk. May run in another thread than `append`."""
        with self._syncing:
            position = self.position
            try:
                if self._sync_failed:
                    self._write_again()
                os.fdatasync(self._file)
                self._is_deleted = os.fstat(self._file).st_nlink == 0
            except OSError as error:
                self._sync_failed = True
                raise disk_fault(error, self.path) from error
            self._sync_failed = False
            self.synced = position

    @property
    def position(self) -> int:
        """The position (log sequence number) after the last frame."""
        return self._start + self._size

    def close(self) -> None:
        """Bring everything to the disk and unlock the journal, so that another process may write."""
        try:
            self.sync()
            if self._is_deleted:
                self._write_anew()
            self._truncate()
        finally:
            os.close(self._file)
            os.close(self._lock)

    def _begin_segment(self) -> None:
        self.sync()
        with self._syncing:
            self._truncate()
            previous = self._file
            self._open_segment(self.position, 0)
            os.close(previous)

    def _write_anew(self) -> None:
        """Write the segment into the folder again, of which somebody deleted it: the open file still has it all."""
        deleted, lock = self._file, self._lock
        try:
            with self._syncing:
                self.path.mkdir(parents=True, exist_ok=True)
                self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o644)
                self._acquire_lock()
                restore_epochs(self.path, self._epochs)
                content = os.pread(deleted, self._size, 0)
                self._open_segment(self._start, 0)
                self._size = os.pwrite(self._file, content, 0)
                os.fdatasync(self._file)
                sync_folder(self.path.parent)
                self._is_deleted = False
        except EnvironmentFault:  # another process writes there now
            self._lock = lock
            raise
        except OSError as error:
            raise disk_fault(error, self.path) from error
        os.close(deleted)
        os.close(lock)

    def _reserve(self, size: int) -> None:
        with contextlib.suppress(OSError):  # not enough space for that much: what is written may still fit
            os.posix_fallocate(self._file, self._size, size + self._reserve_bytes)
            self._reserved = self._size + size + self._reserve_bytes

    def _truncate(self) -> None:
        """Remove what was reserved or partly written after the last frame."""
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
            if size == 0:  # else frames appended to the previous segment would look like a gap
                path.unlink()
            raise
        self._file, self._start, self._size, self._reserved = file, start, size, size

    def _write_again(self) -> None:
        """Write the unsynced bytes again: after a failed sync the system may wrongly treat them as written."""
        since = self.synced - self._start
        os.pwrite(self._file, os.pread(self._file, self._size - since, since), since)

    def _acquire_lock(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise EnvironmentFault(
                "another server of this project is running",
                code="journal_locked",
                where=str(self.path),
                hint="stop it first, or send requests to it: `mlops status` shows its address",
            ) from None


def _written_bytes(path: Path, start: int) -> int:
    """The size of a segment without the write at its end that was interrupted, and without what was reserved."""
    end = max((piece.end for piece in pieces_of_segment(path, start, start, end=None)), default=start)
    with (path / segment_name(start)).open("rb") as file:
        file.seek(end - start)
        tail = file.read()
    return end - start + len(tail) - cut_bytes(tail)


def _complete_bytes(payloads: Sequence[bytes], written: int) -> int:
    """The total size of the frames that are complete within the first `written` bytes."""
    complete = 0
    for payload in payloads:
        end = complete + frame_bytes(len(payload))
        if end > written:
            break
        complete = end
    return complete
