"""What tests of the journal share: writing one and reading it as a whole."""

from __future__ import annotations

import contextlib
from pathlib import Path

from hypothesis import strategies as st

from mlops_lab.journal.segments import read_journal
from mlops_lab.journal.writer import Journal

HEADER_BYTES = 8
batches = st.lists(st.lists(st.binary(min_size=1, max_size=12), min_size=1, max_size=3), max_size=8)
"""What a writer appends, call by call."""


def write(path: Path, *batches: list[bytes], segment_bytes: int = 1 << 20) -> list[int]:
    """Append the batches with one writer; the position after each."""
    with contextlib.closing(Journal(path, segment_bytes=segment_bytes)) as journal:
        return [journal.append(batch) for batch in batches]


def content(path: Path, since: int = 0) -> list[bytes]:
    """All payloads of a journal after a position."""
    return [payload for _, payload in read_journal(path, since)]


def flat(batches: list[list[bytes]]) -> list[bytes]:
    """The payloads of all batches."""
    return [payload for batch in batches for payload in batch]
