"""What the workers counted, in the text format that Prometheus reads.

Every worker keeps its counts in a file that the others read, so that whichever is asked tells of all; a worker that is
started again goes on from there. Each series names its worker, and none goes down while the server lives.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from contextlib import suppress
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mlops_lab.serving.deployment import write_atomically
from mlops_lab.serving.records import PredictionRecord, RefusalRecord

if TYPE_CHECKING:
    from mlops_lab.serving.shadows import Task

BUCKETS_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_COUNTERS = {
    "answered": ("mlops_predictions_total", "Rows that were answered.", ("version", "role")),
    "refused": ("mlops_refused_total", "Rows refused because a view knew nothing of them.", ("view", "reason")),
    "missing": ("mlops_missing_features_total", "Views that answered with defaults.", ("view", "reason")),
    "shadows": ("mlops_shadows_total", "Rows that a version in shadow was to score.", ("version", "result")),
    "requests": ("mlops_requests_total", "HTTP requests.", ("route", "status")),
    "rejected": ("mlops_rejected_total", "HTTP requests that were rejected.", ("route", "reason")),
}
_GAUGES = {
    "live": ("mlops_live", "Versions that are loaded.", ("version", "role")),
    "pending": ("mlops_pending_outcomes", "Recent predictions that wait for their outcome.", ()),
    "log_position": ("mlops_log_position_bytes", "The length of the log.", ()),
    "log_behind": ("mlops_log_behind_bytes", "What is in the log, and not yet there.", ("where",)),
}
_KIND = attrgetter("version", "role")
_LATENCY = ("mlops_request_seconds", "From the first byte of a request to its answer.")


class Counts(msgspec.Struct):
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

    def note_shadows(self, task: Task, *, failed: bool) -> None:
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


def keep_counts(path: Path, counts: Counts) -> None:
    """Write the counts for the other workers; not so much as that a full disk would stop the server."""
    with suppress(OSError):
        write_atomically(path, msgspec.msgpack.encode(counts), durable=False)


def read_counts(path: Path) -> Counts:
    """The counts in the file; none where there is no such file yet."""
    with suppress(FileNotFoundError):
        return msgspec.msgpack.decode(path.read_bytes(), type=Counts)
    return Counts()


def write_metrics(workers: Mapping[int, Counts]) -> bytes:
    """The counts of all workers; families and labels in a fixed order."""
    lines: list[str] = []
    for family, (name, meaning, labels) in _COUNTERS.items():
        lines += _head(name, meaning, "counter")
        for worker, counts in workers.items():
            for key, count in sorted(counts.counted.items()):
                if key[0] == family:
                    lines.append(f"{name}{_labels(labels, key[1:], worker)} {count}")
    for family, (name, meaning, named) in _GAUGES.items():
        lines += _head(name, meaning, "gauge")
        for worker, counts in workers.items():
            for values, value in sorted(counts.gauges.get(family, {}).items()):
                lines.append(f"{name}{_labels(named, values, worker)} {value:g}")
    lines += _head(*_LATENCY, "histogram")
    for worker, counts in workers.items():
        for route, buckets in sorted(counts.buckets.items()):
            lines += _histogram(_LATENCY[0], route, worker, buckets, counts.seconds[route])
    return ("\n".join(lines) + "\n").encode()


def _head(name: str, meaning: str, kind: str) -> list[str]:
    return [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"]


def _histogram(name: str, route: str, worker: int, buckets: Sequence[int], seconds: float) -> list[str]:
    lines, total = [], 0
    for most, count in zip([*BUCKETS_SECONDS, "+Inf"], buckets, strict=True):
        total += count
        lines.append(f"{name}_bucket{_labels(('route', 'le'), (route, most), worker)} {total}")
    labels = _labels(("route",), (route,), worker)
    return [*lines, f"{name}_sum{labels} {seconds:.6f}", f"{name}_count{labels} {total}"]


def _labels(names: Sequence[str], values: Sequence[Any], worker: int) -> str:
    pairs = [*zip(names, values, strict=True), ("worker", worker)]
    return "{" + ",".join(f'{name}="{_quote(str(value))}"' for name, value in pairs) + "}"


def _quote(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
