"""What became of the requests for predictions of each day, as the workers of the servers counted them."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import msgspec

from mlops_lab.serving.answering.counts import WorkerCounts, counts_path, read_counts
from mlops_lab.serving.answering.request_totals import RequestTotals

KEPT_DAYS = 70
"""More than the days that a tick catches up with."""
_REJECTED = "400"


def note_day(counts: WorkerCounts, day: str, *, routes: Collection[str]) -> None:
    """Bring the totals up to date; where another `day` (`2026-03-01`) has begun, keep those with which the last one
    ended. `routes`: those that answer with predictions."""
    total = RequestTotals()
    for route in routes:
        total += RequestTotals(
            failed=_count(counts, route, "5"),
            rejected=_count(counts, route, _REJECTED),
            seconds=counts.seconds.get(route, 0.0),
            buckets=counts.buckets.get(route, []),
        )
    if counts.day and day != counts.day:
        ends = counts.day_ends | {counts.day: total}
        before = sorted(end for end in ends if end < day)  # the clock may have been set back
        counts.day_ends = {end: ends[end] for end in before[-KEPT_DAYS:]}
    counts.day, counts.total = day, total


def _count(counts: WorkerCounts, route: str, status: str) -> int:
    return sum(
        number
        for (family, of, found), number in counts.counted.items()
        if family == "requests" and of == route and found.startswith(status)
    )


def read_day(folder: Path, day: str) -> RequestTotals | None:
    """What all workers counted on a day; None where no server ran on it, or it lies too far back."""
    found = [
        of_worker
        for path in sorted(folder.glob(counts_path(folder, 0).name.replace("0", "*")))
        if (of_worker := _read_worker(path, day)) is not None
    ]
    return sum(found[1:], start=found[0]) if found else None


def _read_worker(path: Path, day: str) -> RequestTotals | None:
    with suppress(OSError, msgspec.MsgspecError):  # a damaged file tells nothing
        counts = read_counts(path)
        end = counts.total if counts.day == day else counts.day_ends.get(day)
        if end is not None:
            earlier = [of for of in counts.day_ends if of < day]
            if earlier:
                return end - counts.day_ends[max(earlier)]
            return end if len(counts.day_ends) < KEPT_DAYS else None
    return None
