"""Counts of several workers: each reads those of all, and a worker that is restarted goes on with its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from in_process import in_process_server

from mlops_lab.serving.process.shared_counts import SharedCounts


def test_each_worker_reads_the_counts_of_all(tiny: Any, tmp_path: Path) -> None:
    with in_process_server(tiny.project.root, tiny.package, tiny.fingerprint, tmp_path / "tiny") as server:
        workers = [SharedCounts(server.service, worker=number, workers=3) for number in range(3)]
        for number, counts in enumerate(workers[:2]):
            for _ in range(number + 1):
                counts.own.note_request("/healthz", 200, seconds=0.001, reason=None)
            counts.publish()

        seen = workers[0].read_all()
        assert list(seen) == [0, 1, 2]
        key = ("requests", "/healthz", "200")
        assert [counts.counted.get(key, 0) for counts in seen.values()] == [1, 2, 0]
        assert [counts.generation for counts in seen.values()] == [1, 1, 0], "the third has not published yet"
        assert seen[1].gauges["live"] == {("1", "champion"): 1}
        assert seen[1].gauges["pending"] == {(): 0}

        restarted = SharedCounts(server.service, worker=1, workers=3)
        assert restarted.own.counted[key] == 2
