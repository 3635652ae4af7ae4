"""What the running server counts: requests, their durations, and the errors."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from mlops_lab.project import Project
from mlops_lab.serving.answering.counts import BUCKETS_SECONDS, WorkerCounts, counts_path, read_counts
from mlops_lab.serving.process.address import find_server


@dataclass(frozen=True)
class Traffic:
    """Requests for answers since the workers began to count; `failed` of them ended with an error of the server,
    `rejected` ones were wrong. Half of them, and 99 %, took at most so many ms (None: longer than any limit)."""

    requests: int
    failed: int
    rejected: int
    median_ms: float | None
    p99_ms: float | None


def read_traffic(project: Project) -> Traffic | None:
    """The counts of all workers; None where no server runs, or it was not asked yet.

    They are read from the files in which workers keep them: asking the server would take time from its answers.
    """
    if find_server(project) is None:
        return None
    pattern = counts_path(project.workers_path, 0).name.replace("0", "*")
    workers = [read_counts(path) for path in sorted(project.workers_path.glob(pattern))]
    statuses = _count_statuses(workers)
    buckets = [sum(column) for column in zip(*_predict_buckets(workers), strict=True)]
    if not sum(buckets):
        return None
    return Traffic(
        requests=sum(buckets),
        failed=sum(count for status, count in statuses.items() if status.startswith("5")),
        rejected=sum(count for status, count in statuses.items() if status.startswith("4")),
        median_ms=_quantile_ms(buckets, 0.5),
        p99_ms=_quantile_ms(buckets, 0.99),
    )


def _asks_for_answers(route: str) -> bool:
    return "predict" in route or "infer" in route or "invocations" in route


def _count_statuses(workers: list[WorkerCounts]) -> Counter[str]:
    statuses: Counter[str] = Counter()
    for worker in workers:
        for (family, route, status), count in worker.counted.items():
            if family == "requests" and _asks_for_answers(route):
                statuses[status] += count
    return statuses


def _predict_buckets(workers: list[WorkerCounts]) -> list[list[int]]:
    return [buckets for worker in workers for route, buckets in worker.buckets.items() if _asks_for_answers(route)]


def _quantile_ms(buckets: list[int], share: float) -> float | None:
    """The upper bound of the bucket in which the quantile lies."""
    needed, seen = share * sum(buckets), 0
    for count, bound in zip(buckets, BUCKETS_SECONDS, strict=False):
        seen += count
        if seen >= needed:
            return 1000 * bound
    return None
