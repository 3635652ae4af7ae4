"""What is exported for Arize Phoenix, sent to its server in an environment of its own, which shows it."""

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
from tool_runs import environment, export, run

from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.tables.declared import PREDICTIONS

pytestmark = [pytest.mark.tools, pytest.mark.exporter("phoenix"), pytest.mark.timeout(900)]


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """The address of Phoenix' server, until the end of the block."""
    own = {
        "PHOENIX_WORKING_DIR": str(folder),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(free_port()),
        "PHOENIX_GRPC_PORT": str(free_port()),
        "PHOENIX_TELEMETRY_ENABLED": "false",
    }
    address, log = f"http://127.0.0.1:{own['PHOENIX_PORT']}", (folder / "server.log").open("w")
    variables = environment("phoenix", **own)
    with log, subprocess.Popen(["phoenix", "serve"], cwd=folder, env=variables, stdout=log, stderr=log) as server:
        try:
            for _ in range(600):
                assert server.poll() is None, (folder / "server.log").read_text()
                try:
                    urllib.request.urlopen(f"{address}/healthz", timeout=5).close()
                except OSError:
                    time.sleep(0.5)
                else:
                    break
            yield address
        finally:
            server.terminate()


def ask_spans(address: str, *, wanted: int) -> dict[str, dict[str, Any]]:
    """What the server shows of the project, by the id of the prediction; it takes spans from a queue."""
    for _ in range(120):
        with urllib.request.urlopen(f"{address}/v1/projects/parcels/spans?limit=1000", timeout=60) as answer:
            found = json.load(answer)["data"]
        if len(found) >= wanted:
            break
        time.sleep(0.5)
    return {span["attributes"]["mlops.id"]: span for span in found}


def test_phoenix_shows_the_predictions(measured_project: Project, tmp_path: Path) -> None:
    folder = export("phoenix", measured_project.root)
    logged = {row["id"]: row for row in PREDICTIONS.read(Lake(measured_project.lake_path)).iter_rows(named=True)}
    with serve(tmp_path) as address:
        said = run(["python", "send_spans.py"], folder, tool="phoenix", PHOENIX_BASE_URL=address).stdout
        assert said == f"sent {len(logged)} spans of {len(logged)}\n"
        shown = ask_spans(address, wanted=len(logged))
        again = run(["python", "send_spans.py"], folder, tool="phoenix", PHOENIX_BASE_URL=address).stdout
        assert again == f"sent 0 spans of {len(logged)}\n"
    assert shown.keys() == logged.keys()
    for name, span in shown.items():
        row, found = logged[name], span["attributes"]
        assert json.loads(found["output.value"]) == row["output"]
        assert (found["mlops.version"], found["mlops.role"]) == (1, "champion")
        asked = json.loads(found["input.value"])
        assert (asked["depot"], asked["distance"], asked["weight"]) == (row["depot"], row["distance"], row["weight"])
        assert span["start_time"] == row["at"].isoformat()


def test_without_a_server_or_a_prediction(measured_project: Project, live_project: Project) -> None:
    folder = measured_project.root / "phoenix"
    nobody = f"http://127.0.0.1:{free_port()}"
    said = run(["python", "send_spans.py"], folder, tool="phoenix", code=1, PHOENIX_BASE_URL=nobody).stderr
    assert "error: Phoenix does not answer" in said
    assert "hint: start it with `phoenix serve`" in said
    said = run(["python", "send_spans.py"], export("phoenix", live_project.root), tool="phoenix", code=1).stderr
    assert "error: no day was measured yet" in said
