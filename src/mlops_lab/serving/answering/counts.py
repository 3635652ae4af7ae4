"""What a worker counts: answers, refusals, requests and how long they took.

Every worker keeps its counts in a file that the others read, so that whichever is asked tells of all; a worker that is
started again goes on from there.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from contextlib import suppress
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from mlops_lab.files import write_atomically
from mlops_lab.journal.records import PredictionRecord, RefusalRecord

if TYPE_CHECKING:
    from mlops_lab.serving.answering.shadows import ShadowTask


BUCKETS_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_KIND = attrgetter("version", "role")


class WorkerCounts(msgspec.Struct):
    """What one worker counted: by (family, labels…), and the requests by route and bucket of their seconds."""

    counted: dict[tuple[str, str, str], int] = msgspec.field(default_factory=dict)
    buckets: dict[str, list[int]] = msgspec.field(default_factory=dict)
    seconds: dict[str, float] = msgspec.field(default_factory=dict)
    gauges: dict[str, dict[tuple[str, ...], float]] = msgspec.field(default_factory=dict)
    generation: int = 0

    def note_answers(self, records: Sequence[PredictionRecord | RefusalRecord], *, shed: int) -> None:
        """Count what some rows were told; `shed` of them get no shadow."""
        made = [record for record in records if type(record) is PredictionRecord]
        kinds = list(map(_KIND, made))
        for version, role in set(kinds):
            self._count("answered", str(version), role, kinds.count((version, role)))
        for missing in [record.missing for record in made if record.missing]:
            for view, reason in missing.items():
                self._count("missing", view, reason)
        for refusal in [record for record in records if type(record) is RefusalRecord]:
            self._count("refused", refusal.view, refusal.reason)
        if shed:
            self._count("shadows", "", "shed", shed)

    def _count(self, family: str, first: str, second: str, number: int = 1) -> None:
        key = (family, first, second)
        self.counted[key] = self.counted.get(key, 0) + number

    def note_shadows(self, task: ShadowTask, *, failed: bool) -> None:
        """Count what a version in shadow scored, or failed to."""
        result = "failed" if failed else "scored"
        self._count("shadows", str(task.predictor.version), result, len(task.glances))

    def note_request(self, route: str, status: int, *, seconds: float, reason: str | None) -> None:
        """Count an HTTP request."""
        self._count("requests", route, str(status))
        if reason is not None:
            self._count("rejected", route, reason)
        buckets = self.buckets.get(route)
        if buckets is None:
            buckets = self.buckets[route] = [0] * (len(BUCKETS_SECONDS) + 1)
            self.seconds[route] = 0.0
        buckets[bisect_left(BUCKETS_SECONDS, seconds)] += 1
        self.seconds[route] += seconds


def counts_path(folder: Path, worker: int) -> Path:
    """The file in which a worker keeps its counts."""
    return folder / f"counts-{worker}.msgpack"


def keep_counts(path: Path, counts: WorkerCounts) -> None:
    """Write the counts for the other workers; not so much as that a full disk would stop the server."""
    with suppress(OSError):
        write_atomically(path, msgspec.msgpack.encode(counts), durable=False)


def read_counts(path: Path) -> WorkerCounts:
    """The counts in the file; none where there is no such file yet."""
    with suppress(FileNotFoundError):
        return msgspec.msgpack.decode(path.read_bytes(), type=WorkerCounts)
    return WorkerCounts()
