"""Reading a journal while it is written: one class follows the writer, the other reads single frames again."""

from __future__ import annotations

import contextlib
import os
from bisect import bisect_right
from pathlib import Path

from mlops_lab.errors import EnvironmentFault
from mlops_lab.journal.frames import HEADER, frame_bytes, frames_in
from mlops_lab.journal.segments import SEGMENT_BYTES, pieces_of_segment, segment_name, segments

_FOLLOW_BYTES = 64 * 1024
"""How much a follower reads at once."""
_FRAME_BYTES = 16 * 1024
"""Most frames are smaller: one read is enough."""


class Follower:
    """Reads a journal beside its writer: returns each frame once, as soon as it is complete. Never waits.

    What is damaged is left out once a whole frame follows it.
    """

    def __init__(self, path: Path, since: int) -> None:
        self._path = path
        self.position = since
        self._start: int | None = None
        self._file = -1

    def read_new(self) -> list[tuple[int, bytes]]:
        """(position after it, payload) of every complete frame since the last call."""
        frames: list[tuple[int, bytes]] = []
        while True:
            if self._start is None and not self._open():
                return frames
            assert self._start is not None
            before = self.position
            for size, payload in frames_in(self._read(self.position - self._start)):
                self.position += size
                frames.append((self.position, payload))
            if self.position != before or self._skip_damage():
                continue
            if self._is_deleted():  # by somebody else: its writer writes it anew
                self.close()
                continue
            if self.position == self._start or not (self._path / segment_name(self.position)).exists():
                return frames
            self.close()

    def close(self) -> None:
        """Close the segment."""
        if self._start is not None:
            os.close(self._file)
            self._start = None

    def _read(self, offset: int) -> bytes:
        data = os.pread(self._file, _FOLLOW_BYTES, offset)
        if len(data) < HEADER.size:
            return data
        needed = min(frame_bytes(HEADER.unpack_from(data)[0]), SEGMENT_BYTES)
        return data if needed <= len(data) else os.pread(self._file, needed, offset)

    def _is_deleted(self) -> bool:
        """Whether nobody can write the segment any more, and another one goes on at this position."""
        return os.fstat(self._file).st_nlink == 0 and any(start <= self.position for start in segments(self._path))

    def _skip_damage(self) -> bool:
        """Move on to where something whole follows what is damaged at the position; False where nothing is there, or
        it is being written."""
        assert self._start is not None
        if not os.pread(self._file, HEADER.size, self.position - self._start).strip(b"\0"):
            return False
        end = min((start for start in segments(self._path) if start > self._start), default=None)
        piece = next(pieces_of_segment(self._path, self._start, self.position, end=end), None)
        if piece is not None and piece.is_damaged:
            self.position = piece.end
        return piece is not None

    def _open(self) -> bool:
        starts = [start for start in segments(self._path) if start <= self.position]
        if not starts:
            return False
        self._file, self._start = os.open(self._path / segment_name(starts[-1]), os.O_RDONLY), starts[-1]
        return True


class FrameReader:
    """Reads single frames again. A segment that it keeps open stays readable after it is deleted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._starts: list[int] = []
        self._files: list[int] = []

    def keep_open(self, position: int) -> None:
        """Keep the segment of the frame that begins at `position` open from now on. Positions must not go down."""
        if self._files and position - self._starts[-1] < os.fstat(self._files[-1]).st_size:
            return
        start = max((start for start in segments(self._path) if start <= position), default=None)
        if start is not None and start not in self._starts:
            with contextlib.suppress(OSError):  # reading the frame will fail, and say so
                self._files.append(os.open(self._path / segment_name(start), os.O_RDONLY))
                self._starts.append(start)

    def read(self, position: int) -> bytes:
        """The payload of the frame that begins at `position`; EnvironmentFault where it cannot be read."""
        reason = "it is missing or damaged"
        index = bisect_right(self._starts, position) - 1
        try:
            data = self._read(index, position - self._starts[index]) if index >= 0 else b""
        except OSError as error:
            data, reason = b"", str(error.strerror)
        for _, payload in frames_in(data):
            return payload
        raise EnvironmentFault(
            f"the frame at {position} cannot be read: {reason}",
            code="journal_damaged",
            where=str(self._path),
            hint="restart the server: it restores from the lake what the frame holds",
        )

    def _read(self, index: int, offset: int) -> bytes:
        data = os.pread(self._files[index], _FRAME_BYTES, offset)
        needed = frame_bytes(HEADER.unpack_from(data)[0]) if len(data) >= HEADER.size else 0
        return data if needed <= len(data) else os.pread(self._files[index], min(needed, SEGMENT_BYTES), offset)

    def close(self) -> None:
        """Close the segments."""
        while self._files:
            os.close(self._files.pop())
        self._starts.clear()
