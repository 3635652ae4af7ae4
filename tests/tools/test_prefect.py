"""What is exported for Prefect, run by Prefect's own server and worker: the same version in the end."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pages import free_port
from tool_runs import environment, export, live_version, refuse_all, run

pytestmark = [pytest.mark.tools, pytest.mark.exporter("prefect"), pytest.mark.timeout(1200)]


class Prefect:
    """The commands of Prefect in the exported folder, and its server."""

    def __init__(self, folder: Path) -> None:
        self.folder, port = folder, str(free_port())
        self.start = ["prefect", "server", "start", "--host", "127.0.0.1", "--port", port, "--no-ui"]
        self.variables = {
            "PREFECT_HOME": str(folder.parent / "prefect-home"),
            "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        }

    def __call__(self, *words: str) -> str:
        done = run(["prefect", "--no-prompt", *words], self.folder, tool="prefect", **self.variables)
        return done.stdout + done.stderr

    def ask(self, kind: str) -> list[dict[str, Any]]:
        """What the server knows of a kind of things."""
        request = urllib.request.Request(
            f"{self.variables['PREFECT_API_URL']}/{kind}/filter", b"{}", {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found

    def ask_gates(self, key: str) -> dict[str, bool]:
        """The verdicts in the artifact of this key."""
        (artifact,) = (item for item in self.ask("artifacts") if item["key"] == key)
        return {row["gate"]: row["passed"] for row in json.loads(artifact["data"])}

    @contextmanager
    def serve(self) -> Iterator[None]:
        """The server, until the end of the block."""
        variables = environment("prefect", **self.variables)
        log = (self.folder.parent / "server.log").open("w")
        with log, subprocess.Popen(self.start, cwd=self.folder, env=variables, stdout=log, stderr=log) as server:
            try:
                self._wait(server)
                yield
            finally:
                server.terminate()

    def _wait(self, server: subprocess.Popen[bytes]) -> None:
        for _ in range(300):
            assert server.poll() is None, (self.folder.parent / "server.log").read_text()
            try:
                urllib.request.urlopen(f"{self.variables['PREFECT_API_URL']}/health", timeout=5).close()
            except OSError:
                time.sleep(1)
            else:
                return
        pytest.fail("the server did not start")


def test_prefect_makes_the_same_version(week: Path, week_fingerprint: str) -> None:
    prefect = Prefect(export("prefect", week))
    with prefect.serve():
        prefect("work-pool", "create", "mlops", "--type", "process")
        prefect("deploy", "--all")
        deployed = {item["name"]: item for item in prefect.ask("deployments")}
        assert deployed.keys() == {"train", "loop"}
        assert [item["schedule"]["cron"] for item in deployed["loop"]["schedules"]] == ["*/1 * * * *"]
        prefect("deployment", "run", "flights-train/train")
        said = prefect("worker", "start", "--pool", "mlops", "--run-once")
        assert f"version 1, fingerprint {week_fingerprint}" in said
        gates = prefect.ask_gates("flights-gates")
        assert len(gates) == 8
        assert all(gates.values())
        prefect("deployment", "run", "flights-loop/loop")
        assert "nothing to decide" in prefect("worker", "start", "--pool", "mlops", "--run-once")
    assert live_version(week) == 1


def test_a_gate_that_refuses_fails_the_flow_at_once(week: Path) -> None:
    refuse_all(week)
    prefect = Prefect(export("prefect", week))
    with prefect.serve():
        done = run(["python", "flows.py"], prefect.folder, tool="prefect", code=1, **prefect.variables)
        assert "logistic regression" in done.stderr
        assert [item["run_count"] for item in prefect.ask("task_runs") if item["name"].startswith("run-")] == [1]
        gates = prefect.ask_gates("flights-gates")
    assert [name for name, passed in gates.items() if not passed] == ["baseline"]
