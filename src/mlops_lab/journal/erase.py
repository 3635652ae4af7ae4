"""Records erased from a journal: they are overwritten where they are, while its server goes on writing at the end."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path

from mlops_lab.errors import EnvironmentFault
from mlops_lab.files import disk_fault
from mlops_lab.journal.frames import HEADER, frame_bytes
from mlops_lab.journal.records import Record, blank_records, decode_frame
from mlops_lab.journal.segments import pieces_of_segment, segment_name, segments


def erase_records(path: Path, until: int, is_meant: Callable[[Record], bool], *, dry_run: bool = False) -> int:
    """Overwrite the records before the position `until` that are meant with nothing; how many there were.

    No other record moves. With `dry_run` they are only counted. What is damaged, or of a foreign release, stays.
    """
    starts, erased = segments(path), 0
    for start, end in zip_longest(starts, starts[1:]):
        if start >= until:
            break
        for piece in pieces_of_segment(path, start, start, end=end):
            if piece.is_damaged or piece.end > until:
                continue
            try:
                meant = [number for number, record in enumerate(decode_frame(piece.payload)) if is_meant(record)]
            except EnvironmentFault:
                continue
            erased += len(meant)
            if meant and not dry_run:
                payload = blank_records(piece.payload, meant)
                assert frame_bytes(len(payload)) == piece.end - piece.start
                _overwrite(path / segment_name(start), piece.start - start, payload)
    return erased


def _overwrite(segment: Path, offset: int, payload: bytes) -> None:
    try:
        file = os.open(segment, os.O_WRONLY)
        try:
            os.pwrite(file, HEADER.pack(len(payload), zlib.crc32(payload)) + payload, offset)
            os.fsync(file)
        finally:
            os.close(file)
    except OSError as error:
        raise disk_fault(error, segment) from error
