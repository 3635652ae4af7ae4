"""The reading ends of a journal: one follows the writer, the other finds a frame again."""

from __future__ import annotations

import contextlib
import os
from bisect import bisect_right
from pathlib import Path

from mlops_lab.errors import EnvironmentFault
from mlops_lab.journal.frames import HEADER, frame_bytes, frames_in
from mlops_lab.journal.segments import SEGMENT_BYTES, segment_name, segments


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
            for size, payload in frames_in(self._read(self.position - self._start)):
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
        if len(data) < HEADER.size:
            return data
        needed = min(frame_bytes(HEADER.unpack_from(data)[0]), SEGMENT_BYTES)
        return data if needed <= len(data) else os.pread(self._file, needed, offset)

    def _open(self) -> bool:
        starts = [start for start in segments(self._path) if start <= self.position]
        if not starts:
            return False
        self._file, self._start = os.open(self._path / segment_name(starts[-1]), os.O_RDONLY), starts[-1]
        return True


_READ_BYTES = 64 * 1024


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
        for _, payload in frames_in(data):
            return payload
        raise EnvironmentFault(
            f"the frame at {position} cannot be read: {why}",
            code="journal_damaged",
            where=str(self._path),
            hint="start the server again: it learns from the lake what is in there",
        )

    def _read(self, place: int, offset: int) -> bytes:
        data = os.pread(self._files[place], _FRAME_BYTES, offset)
        needed = frame_bytes(HEADER.unpack_from(data)[0]) if len(data) >= HEADER.size else 0
        return data if needed <= len(data) else os.pread(self._files[place], min(needed, SEGMENT_BYTES), offset)

    def close(self) -> None:
        """Let go of the segments."""
        while self._files:
            os.close(self._files.pop())
        self._starts.clear()


_FRAME_BYTES = 16 * 1024
"""Most frames are smaller: one reading is enough."""
