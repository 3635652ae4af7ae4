"""The journal: what the server acknowledged, in checksummed frames, in the order in which it happened.

A frame is `length (u32) | crc32 (u32) | payload`, little-endian. The journal is one endless run of bytes cut into
segment files named after the position (LSN, log sequence number) of their first byte. A frame that does not check
is a torn write that nobody was told about: the writer cuts it off when it opens the journal. Each worker of a server
writes a journal of its own.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
import threading
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, pairwise, zip_longest
from pathlib import Path

import msgspec

from mlops_lab.errors import EnvironmentFault

_HEADER = struct.Struct("<II")
SEGMENT_BYTES = 64 * 1024 * 1024


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
                good = max((end for end, _ in _frames(path, start, start)), default=start) - start
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
        frames = zip(map(_HEADER.pack, lengths, checksums), payloads, strict=True)
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
            _sync_folder(self.path)
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


def _sync_folder(path: Path) -> None:
    """Have the names of its files on the disk: else a power cut could take a new one with all that is in it."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _whole(payloads: Sequence[bytes], written: int) -> int:
    """The bytes of the frames that are whole among the first `written`."""
    whole = 0
    for payload in payloads:
        end = whole + frame_bytes(len(payload))
        if end > written:
            break
        whole = end
    return whole


class Follower:
    """The reading end beside a writer: hands out each frame once, as soon as it is whole. Never waits."""

    def __init__(self, path: Path, since: int) -> None:
        self._path = path
        self.position = since
        self._start: int | None = None
        self._file = -1

    def read_new(self) -> list[tuple[int, bytes]]:
        """(position after it, payload) of every whole frame since the last time."""
        frames: list[tuple[int, bytes]] = []
        while True:
            if self._start is None and not self._open():
                return frames
            assert self._start is not None
            before = self.position
            for size, payload in _frames_in(self._read(self.position - self._start)):
                self.position += size
                frames.append((self.position, payload))
            if self.position != before:
                continue
            if self.position == self._start or not (self._path / segment_name(self.position)).exists():
                return frames
            self.close()

    def close(self) -> None:
        """Let go of the segment."""
        if self._start is not None:
            os.close(self._file)
            self._start = None

    def _read(self, offset: int) -> bytes:
        data = os.pread(self._file, _READ_BYTES, offset)
        if len(data) < _HEADER.size:
            return data
        needed = min(frame_bytes(_HEADER.unpack_from(data)[0]), SEGMENT_BYTES)
        return data if needed <= len(data) else os.pread(self._file, needed, offset)

    def _open(self) -> bool:
        starts = [start for start in segments(self._path) if start <= self.position]
        if not starts:
            return False
        self._file, self._start = os.open(self._path / segment_name(starts[-1]), os.O_RDONLY), starts[-1]
        return True


_READ_BYTES = 64 * 1024
_CHUNK_BYTES = 1024 * 1024


class FrameReader:
    """The reading end that finds a frame again. A segment that it holds stays readable after it is deleted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._starts: list[int] = []
        self._files: list[int] = []

    def hold(self, position: int) -> None:
        """Have the segment of the frame that begins there open from now on. Positions must not go down."""
        if self._files and position - self._starts[-1] < os.fstat(self._files[-1]).st_size:
            return
        start = max((start for start in segments(self._path) if start <= position), default=None)
        if start is not None and start not in self._starts:
            with contextlib.suppress(OSError):  # whoever reads the frame will hear of it
                self._files.append(os.open(self._path / segment_name(start), os.O_RDONLY))
                self._starts.append(start)

    def read(self, position: int) -> bytes:
        """The payload of the frame that begins there; EnvironmentFault where it is not to be had."""
        why = "it is not there"
        place = bisect_right(self._starts, position) - 1
        try:
            data = self._read(place, position - self._starts[place]) if place >= 0 else b""
        except OSError as error:
            data, why = b"", str(error.strerror)
        for _, payload in _frames_in(data):
            return payload
        raise EnvironmentFault(
            f"the frame at {position} cannot be read: {why}",
            code="journal_damaged",
            where=str(self._path),
            hint="start the server again: it learns from the lake what is in there",
        )

    def _read(self, place: int, offset: int) -> bytes:
        data = os.pread(self._files[place], _FRAME_BYTES, offset)
        needed = frame_bytes(_HEADER.unpack_from(data)[0]) if len(data) >= _HEADER.size else 0
        return data if needed <= len(data) else os.pread(self._files[place], min(needed, SEGMENT_BYTES), offset)

    def close(self) -> None:
        """Let go of the segments."""
        while self._files:
            os.close(self._files.pop())
        self._starts.clear()


_FRAME_BYTES = 16 * 1024
"""Most frames are smaller: one reading is enough."""


def worker_path(path: Path, worker: int) -> Path:
    """The folder of a worker's journal; the first worker's holds those of the others."""
    return path if worker == 0 else path / f"worker-{worker}"


def worker_paths(path: Path) -> list[Path]:
    """The folders of all journals there are, by worker."""
    others = [int(folder.name.removeprefix("worker-")) for folder in path.glob("worker-*")]
    return [worker_path(path, worker) for worker in range(max(others, default=0) + 1)]


def is_locked(path: Path) -> bool:
    """Whether a process holds the writing end of one of the journals."""
    return any(_is_held(folder / "lock") for folder in worker_paths(path))


def _is_held(path: Path) -> bool:
    try:
        with path.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def segment_name(start: int) -> str:
    """The file name of the segment whose first byte has the position `start`."""
    return f"{start:020d}.log"


def frame_bytes(payload_bytes: int) -> int:
    """What a payload of so many bytes takes in a journal."""
    return _HEADER.size + payload_bytes


def frame_starts(payloads: Sequence[bytes], since: int) -> list[int]:
    """Where the frames of these payloads begin, the first of them at `since`."""
    return list(accumulate([_HEADER.size + len(payload) for payload in payloads[:-1]], initial=since))


def write_segment(path: Path, payloads: Iterable[bytes]) -> None:
    """Make a folder that is read like a journal with nothing but these payloads."""
    path.mkdir()
    with (path / segment_name(0)).open("wb") as file:
        for payload in payloads:
            file.write(_HEADER.pack(len(payload), zlib.crc32(payload)) + payload)


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
    position, data = since, b""
    with (path / segment_name(start)).open("rb") as file:
        file.seek(since - start)
        while more := file.read(_CHUNK_BYTES):
            data += more
            used = 0
            for size, payload in _frames_in(data):
                used += size
                yield position + used, payload
            position, data = position + used, data[used:]
            if len(data) >= _HEADER.size and len(data) >= frame_bytes(_HEADER.unpack_from(data)[0]):
                return  # it does not check


def _frames_in(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(size of the frame, payload) of every whole frame, up to the first that is not."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, checksum = _HEADER.unpack_from(data, offset)
        end = offset + _HEADER.size + length
        payload = data[offset + _HEADER.size : end]
        if length == 0 or end > len(data) or zlib.crc32(payload) != checksum:
            return
        yield end - offset, payload
        offset = end


def read_positions(path: Path) -> tuple[int, ...]:
    """How far each worker's journal is in the lake, as the loop noted it; nothing before the first time."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[int, ...])
    except (OSError, msgspec.MsgspecError):
        return ()


def disk_fault(error: OSError, path: Path) -> EnvironmentFault:
    """What the disk said, as an error with a hint."""
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    return EnvironmentFault(
        "the disk is full" if full else f"cannot be written: {error.strerror}",
        code="disk_full" if full else "disk_fault",
        where=str(path),
        hint="free some space: nothing was half-written" if full else "make the folder writable, or move the project",
    )
