"""Segments: the files that a journal is cut into.

Each is named after the position (LSN, log sequence number) of its first byte.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from itertools import pairwise, zip_longest
from pathlib import Path

from mlops_lab.errors import EnvironmentFault
from mlops_lab.journal.frames import HEADER, frame_bytes, frames_in

SEGMENT_BYTES = 64 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024


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
    """(position after it, payload) of every complete frame at or after the position `since`, in order.

    Stops at the first frame whose checksum does not match: it is being written, or its write was interrupted. Safe
    while a writer appends.
    """
    starts = segments(path)
    if starts and since < starts[0]:
        raise EnvironmentFault(
            f"begins at {starts[0]}, after the position {since} to read from: a segment is missing",
            code="journal_gap",
            where=str(path),
            hint="restore the folder from a backup",
        )
    for start, end in zip_longest(starts, starts[1:]):
        if end is not None and end <= since:
            continue
        reached = max(since, start)
        for position, payload in frames_of_segment(path, start, reached):
            reached = position
            yield position, payload
        if end is not None and reached != end:
            raise EnvironmentFault(
                f"the frame at {reached} is damaged, though more was written after it",
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


def frames_of_segment(path: Path, start: int, since: int) -> Iterator[tuple[int, bytes]]:
    """(position after it, payload) of every complete frame of a segment at or after the position `since`."""
    position, data = since, b""
    with (path / segment_name(start)).open("rb") as file:
        file.seek(since - start)
        while more := file.read(_CHUNK_BYTES):
            data += more
            used = 0
            for size, payload in frames_in(data):
                used += size
                yield position + used, payload
            position, data = position + used, data[used:]
            if len(data) >= HEADER.size and len(data) >= frame_bytes(HEADER.unpack_from(data)[0]):
                return  # all of it is there, and the checksum does not match
