"""Small files are put together: each append makes one, and each file costs time at every read.

Files of about one size are put together to one of the next size, so a row is written again only a few times however
large its table becomes, and files hold rows that were added one after the other. Nothing but the files changes: not the
rows, not their order, not the positions of the writers (Delta: a commit with `dataChange` false).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from deltalake.exceptions import CommitFailedError

from mlops_lab.lake.commits import LocalCommits

_FILES = 16
"""So many files are put together."""
_SMALLEST_BYTES, _FACTOR = 2**16, 4
"""The smallest size to which files are put together, and how much larger each next one is."""
_LARGEST_BYTES = 16 * 2**20
_MOST_FILES = 200
"""Of larger files, about so many at the most."""


def due_size(sizes: Sequence[int]) -> int | None:
    """To which size in bytes the files of a table, of these sizes, are put together now; None: there are few enough.

    Files of a quarter of that size on average: so their number falls to about a quarter, and a row gets to the next
    size each time.
    """
    largest, size = max(_LARGEST_BYTES, sum(sizes) // _MOST_FILES), _SMALLEST_BYTES
    while size <= largest:
        smaller = [item for item in sizes if item < size]
        if len(smaller) >= _FILES and sum(smaller) * _FACTOR <= size * len(smaller):
            return size
        size *= _FACTOR
    return None


def put_together(commits: LocalCommits, name: str, *, size_bytes: int) -> None:
    """Put the files of a table together that are smaller than this. Where another process replaces rows meanwhile,
    nothing happens.

    One process at a time: delta-rs lets a second one write the same rows again.
    """
    with commits.turn(name):
        opened = commits.open(name)
        first = int(opened.version()) + 1
        with suppress(CommitFailedError):
            opened.optimize.compact(target_size=size_bytes, max_concurrent_tasks=1)
        commits.settle(name, first)
