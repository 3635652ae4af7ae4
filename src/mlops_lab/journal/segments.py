"""Segments: the files that a journal is cut into.

Each is named after the position (LSN, log sequence number) of its first byte.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import BinaryIO, NamedTuple

from mlops_lab.errors import EnvironmentFault
from mlops_lab.journal.frames import HEADER, PADDING_BYTES, find_frame, frame_bytes, frames_in, payload_at

SEGMENT_BYTES = 64 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024


class Piece(NamedTuple):
    """A part of a journal: a frame with its payload, or bytes that are damaged (no bytes: they are missing)."""

    start: int
    end: int
    payload: bytes
    is_damaged: bool = False


def segment_name(start: int) -> str:
    """The file name of the segment whose first byte has the position `start`."""
    return f"{start:020d}.log"


def write_segment(path: Path, payloads: Iterable[bytes]) -> None:
    """Create a folder that is read like a journal and holds exactly these payloads."""
    path.mkdir()
    with (path / segment_name(0)).open("wb") as file:
        for payload in payloads:
            file.write(HEADER.pack(len(payload), zlib.crc32(payload)) + payload)


def segments(path: Path) -> list[int]:
    """The first positions of all segments, in order."""
    return sorted(int(file.stem) for file in path.glob("*.log")) if path.is_dir() else []


def read_journal(path: Path, since: int) -> Iterator[tuple[int, bytes]]:
    """(position after it, payload) of every whole frame at or after the position `since`, in order; see `read_pieces`.

    EnvironmentFault where the journal begins after `since`.
    """
    starts = segments(path)
    if starts and since < starts[0]:
        raise EnvironmentFault(
            f"begins at {starts[0]}, after the position {since} to read from: a segment is missing",
            code="journal_gap",
            where=str(path),
            hint="run `mlops tick`: it goes on from what is there, and says what is missing",
        )
    return ((piece.end, piece.payload) for piece in read_pieces(path, since) if not piece.is_damaged)


def read_pieces(path: Path, since: int) -> Iterator[Piece]:
    """Every frame at or after the position `since`, in order, and between them what is damaged or missing.

    Stops where no whole frame follows: the last one is being written, or its write was interrupted. Safe while a writer
    appends.
    """
    starts, reached = segments(path), since
    for start, end in zip_longest(starts, starts[1:]):
        if end is not None and end <= since:
            continue
        if reached < start:
            yield Piece(reached, start, b"", is_damaged=True)
        reached = max(reached, start)
        for piece in pieces_of_segment(path, start, reached, end=end):
            reached = piece.end
            yield piece


def drop_segments(path: Path, until: int) -> None:
    """Delete the segments that end at or before `until`; the last one always stays."""
    starts = segments(path)
    for start, end in pairwise(starts):
        if end <= until:
            (path / segment_name(start)).unlink(missing_ok=True)


def pieces_of_segment(path: Path, start: int, since: int, *, end: int | None) -> Iterator[Piece]:
    """The pieces of a segment at or after the position `since`. `end`: where the next one begins; None for the last."""
    position = since
    with (path / segment_name(start)).open("rb") as file:
        while True:
            for size, payload in _read_frames(file, position - start):
                yield Piece(position, position + size, payload)
                position += size
            damaged = _damaged_bytes(file, position - start, None if end is None else end - position)
            if damaged is None:
                return
            size, data = damaged
            if size:
                yield Piece(position, position + size, data, is_damaged=True)
                position += size


def _read_frames(file: BinaryIO, offset: int) -> Iterator[tuple[int, bytes]]:
    """(size, payload) of the whole frames of a file from an offset on, up to what is none."""
    data = b""
    file.seek(offset)
    while more := file.read(_CHUNK_BYTES):
        data += more
        used = 0
        for size, payload in frames_in(data):
            used += size
            yield size, payload
        data = data[used:]
        if len(data) >= HEADER.size and len(data) >= frame_bytes(HEADER.unpack_from(data)[0]):
            return  # all of it is there, and the checksum does not match


def _damaged_bytes(file: BinaryIO, offset: int, room: int | None) -> tuple[int, bytes] | None:
    """The size and the bytes of what is damaged at an offset; a size of 0 where a frame is there by now; None where
    nothing follows. `room`: how many bytes are left before the next segment."""
    file.seek(offset)
    data = file.read() if room is None else file.read(room)
    if payload_at(data, 0) is not None:
        return 0, b""
    size = find_frame(data[: len(data.rstrip(b"\0")) + PADDING_BYTES])
    if size is None:
        return (room, data) if room else None
    file.seek(offset)
    again = file.read(size)  # a frame that was being written at the first look is whole by now: another follows it
    return (size, again) if again == data[:size] else (0, b"")
