"""Debian's Prometheus and Alertmanager with the exported rules: a server that goes wrong reaches a webhook."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from webhook import open_webhook, skip_without

from mlops_lab.exporters.prometheus.alert_rules import ALERT_RULES, write_rules
from mlops_lab.exporters.prometheus.names import JOB
from mlops_lab.serving.answering.counts import WorkerCounts
from mlops_lab.serving.http.prometheus import write_metrics


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def serve_metrics(text: bytes) -> Iterator[str]:
    """The address of a server that shows these metrics."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def running(program: str, folder: Path, *words: str) -> Iterator[None]:
    with (folder / f"{program}.log").open("w") as log:
        process = subprocess.Popen([program, *words], cwd=folder, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def skip_without_programs() -> None:
    for program, package in (("prometheus", "prometheus"), ("prometheus-alertmanager", "prometheus-alertmanager")):
        skip_without(program, is_there=shutil.which(program) is not None, install=f"apt install {package}")


def test_a_version_that_is_not_loaded_reaches_a_webhook(tmp_path: Path) -> None:
    skip_without_programs()
    rules = write_rules(ALERT_RULES)
    assert "for: 2m" in rules
    (tmp_path / "rules.yml").write_text(rules.replace("for: 2m", "for: 0s"))
    metrics = write_metrics({0: WorkerCounts(gauges={"not_loaded": {("3",): 1.0}})})
    port, manager = free_port(), free_port()
    with open_webhook() as webhook, serve_metrics(metrics) as target:
        receiver = {
            "name": "people",
            "webhook_configs": [{"url": f"http://{webhook.address}/", "send_resolved": False}],
        }
        route = {"receiver": "people", "group_wait": "0s", "group_interval": "1s"}
        (tmp_path / "alertmanager.yml").write_text(json.dumps({"route": route, "receivers": [receiver]}))
        config = {
            "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms", "evaluation_interval": "200ms"},
            "rule_files": ["rules.yml"],
            "scrape_configs": [{"job_name": JOB, "static_configs": [{"targets": [target]}]}],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{manager}"]}]}]},
        }
        (tmp_path / "prometheus.yml").write_text(json.dumps(config))
        listen, store = f"--web.listen-address=127.0.0.1:{manager}", f"--storage.path={tmp_path / 'manager'}"
        words = ["--config.file=alertmanager.yml", listen, store, "--cluster.listen-address="]
        options = [f"--web.listen-address=127.0.0.1:{port}", f"--storage.tsdb.path={tmp_path / 'data'}"]
        with (
            running("prometheus-alertmanager", tmp_path, *words),
            running("prometheus", tmp_path, "--config.file=prometheus.yml", *options),
        ):
            assert webhook.has_received.wait(60), (tmp_path / "prometheus.log").read_text()[-2000:]
    (alert,) = webhook.received[0]["alerts"]
    assert alert["status"] == "firing"
    assert alert["labels"] == {"alertname": "MlopsVersionNotLoaded", "severity": "critical", "version": "3"}
    rule = next(rule for rule in ALERT_RULES if rule.name == "MlopsVersionNotLoaded")
    summary = "Version 3 could not be loaded: the champion answers for it."
    assert alert["annotations"] == {"summary": summary, "runbook": rule.runbook}
