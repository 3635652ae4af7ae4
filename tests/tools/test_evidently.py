"""What is exported for Evidently, reported and shown by it in an environment of its own: our figures."""

from __future__ import annotations

import json
import math
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pages import free_port
from tool_runs import environment, export, run

from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.tables.declared import MEASUREMENTS

pytestmark = [pytest.mark.tools, pytest.mark.exporter("evidently"), pytest.mark.timeout(600)]
RUNS = ["2024-03-25, version 1", "2024-03-26, version 1"]


@pytest.fixture(scope="module")
def folder(measured_project: Project) -> Path:
    return export("evidently", measured_project.root)


@pytest.fixture(scope="module")
def reported(folder: Path) -> dict[str, dict[str, dict[str, float]]]:
    """By day, input and method, what Evidently measured; the second time, nothing is added."""
    first, second = (run(["python", "report.py"], folder, tool="evidently").stdout for _ in range(2))
    assert first.splitlines() == [f"reported {name}" for name in RUNS]
    assert second == ""
    found: dict[str, dict[str, dict[str, float]]] = json.loads((folder / "drift.json").read_text())
    return found


def test_evidently_measures_what_we_measured(
    folder: Path, reported: dict[str, dict[str, dict[str, float]]], measured_project: Project
) -> None:
    rows = MEASUREMENTS.read(Lake(measured_project.lake_path)).filter(pl.col("version") == 1)
    reference = pl.read_parquet(folder / "reference.parquet")
    days: dict[str, str] = json.loads((folder / "columns.json").read_text())["days"]
    compared = 0
    for day, end in days.items():
        ours = rows.filter(pl.col("at") == pl.lit(end).str.to_datetime(time_zone="UTC"))
        values = {
            (monitor, name): value for monitor, name, value in ours.select("monitor", "name", "value").iter_rows()
        }
        for name, found in reported[day].items():
            column = reference[name]
            if "wasserstein" in found:
                distance, largest = found["wasserstein"] * column.std(ddof=0), column.max() - column.min()
                assert distance == pytest.approx(values["wasserstein", name], abs=largest / 1000), (day, name)
            elif not column.null_count() and not values["nulls", name]:
                assert found["psi"] == pytest.approx(values["drift", name], abs=1e-9), (day, name)
                distance = found["jensenshannon"] / math.sqrt(math.log(2))
                assert distance == pytest.approx(values["jensen_shannon", name], abs=1e-9), (day, name)
                compared += 1
    assert compared >= 4
    assert max(found["psi"] for found in reported["2024-03-25"].values() if "psi" in found) > 0.1, "depot e is new"


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """The address of Evidently's UI, until the end of the block."""
    port = free_port()
    start = ["evidently", "ui", "--workspace", "workspace", "--host", "127.0.0.1", "--port", str(port)]
    log = (folder.parent / "ui.log").open("w")
    with log, subprocess.Popen(start, cwd=folder, env=environment("evidently"), stdout=log, stderr=log) as server:
        try:
            for _ in range(300):
                assert server.poll() is None, (folder.parent / "ui.log").read_text()
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/api/version", timeout=5).close()
                except OSError:
                    time.sleep(0.5)
                else:
                    break
            yield f"http://127.0.0.1:{port}/api"
        finally:
            server.terminate()


def ask(address: str) -> Any:
    with urllib.request.urlopen(address, timeout=60) as answer:
        return json.load(answer)


@pytest.mark.usefixtures("reported")
def test_its_user_interface_shows_the_project_and_its_days(folder: Path) -> None:
    with serve(folder) as api:
        (project,) = ask(f"{api}/projects")
        assert project["name"] == "parcels"
        shown = ask(f"{api}/projects/{project['id']}/snapshots")
    assert sorted(item["name"] for item in shown) == RUNS
    assert sorted(item["timestamp"][:10] for item in shown) == ["2024-03-25", "2024-03-26"]


def test_a_project_without_a_measured_day(live_project: Project) -> None:
    folder = export("evidently", live_project.root)
    said = run(["python", "report.py"], folder, tool="evidently", code=1).stderr
    assert said.splitlines() == [
        "error: no day was measured yet",
        "hint: `mlops tick` measures days that are over; then export again",
    ]
