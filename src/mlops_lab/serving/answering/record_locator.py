"""Locations: numbers by which single records of several journals are read again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from mlops_lab.journal.frames import frame_starts
from mlops_lab.journal.readers import FrameReader
from mlops_lab.journal.records import RECORDS_PER_FRAME, Record, decode_record

_POSITION_BITS = 48  # of the 64 bits of a location; 4 are the record's number in its frame, the others the folder's
Kind = TypeVar("Kind", bound=Record)


class RecordLocator:
    """Gives the records of some journals a location each, and reads a record by its location.

    A location is one integer: the number of the journal's folder, the position of the frame, the number of the record
    in the frame.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._readers = list(map(FrameReader, folders))

    def locate(self, folder: int, payloads: Sequence[bytes], *, since: int) -> list[int]:
        """The locations of the records in these frames, the first of which begins at the position `since`.

        Every frame gets as many locations as fit into one; the last frame may hold fewer records.
        """
        self._readers[folder].keep_open(since)
        first = folder << _POSITION_BITS
        starts = [(first + start) * RECORDS_PER_FRAME for start in frame_starts(payloads, since)]
        return [start + number for start in starts for number in range(RECORDS_PER_FRAME)]

    def open(self, folder: int) -> None:
        """Keep the first segment of a folder open, of whose records the locations are known."""
        self._readers[folder].keep_open(0)

    def read(self, location: int, kind: type[Kind]) -> Kind:
        """The record at a location, which is of that kind. EnvironmentFault where it cannot be read."""
        frame, number = divmod(location, RECORDS_PER_FRAME)
        folder, position = divmod(frame, 1 << _POSITION_BITS)
        record = decode_record(self._readers[folder].read(position), number)
        assert isinstance(record, kind)
        return record

    def close(self) -> None:
        """Close all files."""
        for reader in self._readers:
            reader.close()
