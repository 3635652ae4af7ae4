"""Debian's Prometheus scrapes a server with two workers, and knows what they did."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from running import serving, until
from synthetic import World, ask, day_begin

from mlops_lab.project import Project, load_project
from mlops_lab.serving.answering.counts import BUCKETS_SECONDS


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Prometheus:
    """A running Prometheus that scrapes one address every second."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/api/v1"

    def ask(self, path: str, **words: str) -> Any:
        """Its answer; None while it does not answer yet."""
        try:
            with urllib.request.urlopen(f"{self._url}/{path}?{urllib.parse.urlencode(words)}", timeout=5) as answer:
                return json.loads(answer.read())["data"]
        except OSError:
            return None

    def value(self, query: str) -> float | None:
        """The value of an expression; None where it has none."""
        data = self.ask("query", query=query)
        return float(data["result"][0]["value"][1]) if data and data["result"] else None


@contextmanager
def prometheus(folder: Path, target: str) -> Iterator[Prometheus]:
    program = shutil.which("prometheus")
    if program is None:
        reason = "Prometheus is not installed: apt install prometheus"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    folder.mkdir()
    scrape = {"job_name": "mlops", "static_configs": [{"targets": [target]}]}
    config = {"global": {"scrape_interval": "1s"}, "scrape_configs": [scrape]}
    (folder / "prometheus.yml").write_text(json.dumps(config))  # YAML holds all of JSON
    port = free_port()
    command = [program, "--config.file", folder / "prometheus.yml", "--storage.tsdb.path", folder / "data"]
    command += ["--web.listen-address", f"127.0.0.1:{port}", "--log.level", "error"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log)
    try:
        yield Prometheus(port)
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_prometheus_knows_what_the_workers_did(project: Project, world: World, tmp_path: Path) -> None:
    rows = world.parcels.filter(pl.col("asked_at") >= day_begin(24)).to_dicts()
    project = load_project(project.root, flags=["serving.workers=2"])
    with serving(project) as server:
        host, port = server.process.address.host, server.process.address.port
        talks = [server.talk() for _ in range(12)]
        for number in range(120):
            talks[number % 12].predict({**ask(rows[number]), "id": f"p{number}"})
        for number in range(7):
            assert talks[number].post("/v1/predict", {"weight": "heavy"})[0] == 400
        assert talks[0].post("/v1/predict", [{**ask(row), "id": None} for row in rows[:5]])[0] == 200
        with prometheus(tmp_path / "prometheus", f"{host}:{port}") as watcher:
            route = 'route="/v1/predict"'
            until(lambda: watcher.value("sum(mlops_predictions_total)") == 125)
            assert watcher.value('sum(mlops_predictions_total{version="1",role="champion"})') == 125
            assert watcher.value("count(count by (worker) (mlops_predictions_total))") == 2
            assert watcher.value(f'sum(mlops_requests_total{{{route},status="200"}})') == 121
            assert watcher.value(f'sum(mlops_requests_total{{{route},status="400"}})') == 7
            assert watcher.value('sum(mlops_rejected_total{reason="invalid_request"})') == 7
            assert watcher.value(f"sum(mlops_request_seconds_count{{{route}}})") == 128
            assert watcher.value(f'sum(mlops_request_seconds_bucket{{{route},le="+Inf"}})') == 128
            within = watcher.value(f"histogram_quantile(0.5, sum by (le) (mlops_request_seconds_bucket{{{route}}}))")
            assert within is not None
            assert 0 < within < BUCKETS_SECONDS[-1]
            assert watcher.value('sum(mlops_live{version="1",role="champion"})') == 2
            assert watcher.value('sum(mlops_log_behind_bytes{where="lake"})') == watcher.value(
                "sum(mlops_log_position_bytes)"
            )
            types = {
                name: told[0]["type"] for name, told in watcher.ask("metadata").items() if name.startswith("mlops")
            }
            assert types["mlops_request_seconds"] == "histogram"
            assert types["mlops_predictions_total"] == "counter"
