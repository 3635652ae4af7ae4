"""The counts of all workers in the text format that Prometheus reads.

Each series names its worker; what they share is shown for the first one. No counter decreases while the server runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlops_lab.serving.answering.counts import BUCKETS_SECONDS, WorkerCounts

COUNTERS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "answered": ("mlops_predictions_total", "Rows that were answered.", ("version", "role")),
    "refused": ("mlops_refused_total", "Rows refused because a view had no values for them.", ("view", "reason")),
    "missing": ("mlops_missing_features_total", "Rows for which a view gave its defaults.", ("view", "reason")),
    "unseen": (
        "mlops_unseen_values_total",
        "Texts of answered requests that the version was not trained with, by input.",
        ("input",),
    ),
    "unanswered": (
        "mlops_unanswered_total",
        "Rows that a version on trial did not answer: the champion did.",
        ("version", "reason"),
    ),
    "shadows": ("mlops_shadows_total", "Rows for a version in shadow.", ("version", "result")),
    "requests": ("mlops_requests_total", "HTTP requests.", ("route", "status")),
    "rejected": ("mlops_rejected_total", "HTTP requests that were rejected.", ("route", "reason")),
}
GAUGES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "live": ("mlops_live", "Versions that are loaded.", ("version", "role")),
    "generation": ("mlops_deployment_generation", "The generation of the routing table in use.", ()),
    "not_deployed": (
        "mlops_deployment_failed",
        "1 where the newest routing table could not be taken over, and the one before is in use.",
        (),
    ),
    "not_loaded": (
        "mlops_version_not_loaded",
        "Versions that could not be loaded: the champion answers.",
        ("version",),
    ),
    "pending": ("mlops_pending_outcomes", "Recent predictions that wait for their outcome.", ()),
    "log_position": ("mlops_log_position_bytes", "The length of the log.", ()),
    "log_behind": (
        "mlops_log_behind_bytes",
        "Bytes of the log that are not there yet (disk, lake).",
        ("where",),
    ),
    "log_damaged_places": ("mlops_log_damaged_places", "Places of the log that were damaged, and set aside.", ()),
    "log_damaged_bytes": ("mlops_log_damaged_bytes", "Bytes of the log that were damaged, and set aside.", ()),
    "day_warnings": (
        "mlops_day_warnings",
        "In how many ways the last day that was measured differed much from training (`mlops status` names them).",
        (),
    ),
    "verdict": (
        "mlops_rollout_verdict",
        "The loop's verdict on the newest rollout: 1 for the one that counts (promote, hold, roll_back), else 0.",
        ("version", "verdict"),
    ),
    "verdict_share": (
        "mlops_rollout_share",
        "The share of the traffic that the newest version may answer; absent where the loop's verdict is stale.",
        ("version",),
    ),
    "verdict_age": ("mlops_rollout_verdict_age_seconds", "How long ago the loop wrote its verdict.", ()),
}
"""By family of `WorkerCounts`: the name, the description, and the labels; `exporters.prometheus` uses them too."""
_SHARED = {"pending", "verdict", "verdict_share", "verdict_age"}
"""Gauges of what all workers have in common: only the first one's series is written, so that a sum is right."""
LATENCY = ("mlops_request_seconds", "From a request to its response.")


def write_metrics(workers: Mapping[int, WorkerCounts]) -> bytes:
    """The counts, by the number of the worker, as text; families and labels in a fixed order."""
    lines: list[str] = []
    for family, (name, description, labels) in COUNTERS.items():
        lines += _head(name, description, "counter")
        for worker, counts in workers.items():
            for key, count in sorted(counts.counted.items()):
                if key[0] == family:
                    lines.append(f"{name}{_labels(labels, key[1 : 1 + len(labels)], worker)} {count}")
    for family, (name, description, labels) in GAUGES.items():
        lines += _head(name, description, "gauge")
        for worker, counts in list(workers.items())[: 1 if family in _SHARED else None]:
            for values, value in sorted(counts.gauges.get(family, {}).items()):
                lines.append(f"{name}{_labels(labels, values, worker)} {value:g}")
    lines += _head(*LATENCY, "histogram")
    for worker, counts in workers.items():
        for route, buckets in sorted(counts.buckets.items()):
            lines += _histogram(LATENCY[0], route, worker, buckets, counts.seconds[route])
    return ("\n".join(lines) + "\n").encode()


def _head(name: str, description: str, kind: str) -> list[str]:
    return [f"# HELP {name} {description}", f"# TYPE {name} {kind}"]


def _histogram(name: str, route: str, worker: int, buckets: Sequence[int], seconds: float) -> list[str]:
    lines, total = [], 0
    for bound, count in zip([*BUCKETS_SECONDS, "+Inf"], buckets, strict=True):
        total += count
        lines.append(f"{name}_bucket{_labels(('route', 'le'), (route, bound), worker)} {total}")
    labels = _labels(("route",), (route,), worker)
    return [*lines, f"{name}_sum{labels} {seconds:.6f}", f"{name}_count{labels} {total}"]


def _labels(names: Sequence[str], values: Sequence[Any], worker: int) -> str:
    pairs = [*zip(names, values, strict=True), ("worker", worker)]
    return "{" + ",".join(f'{name}="{_quote(str(value))}"' for name, value in pairs) + "}"


def _quote(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
