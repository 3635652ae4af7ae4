"""What is exported for Airflow, run by Airflow in an environment of its own: the same version in the end."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from tool_runs import export, live_version, refuse_all, run

pytestmark = [pytest.mark.tools, pytest.mark.exporter("airflow"), pytest.mark.timeout(1200)]


def airflow(folder: Path, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    return run(
        ["airflow", *words],
        folder,
        tool="airflow",
        code=code,
        AIRFLOW_HOME=str(folder.parent / "airflow-home"),
        AIRFLOW__CORE__DAGS_FOLDER=str(folder),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
    )


def asset_events(folder: Path) -> list[tuple[str, dict[str, object]]]:
    with closing(sqlite3.connect(folder.parent / "airflow-home" / "airflow.db")) as database:
        rows = database.execute("select name, e.extra from asset_event e join asset a on a.id = e.asset_id").fetchall()
    return [(name, json.loads(extra)) for name, extra in rows]


def test_airflow_makes_the_same_version(week: Path, week_fingerprint: str) -> None:
    folder = export("airflow", week)
    airflow(folder, "db", "migrate")
    assert "flights-" not in airflow(folder, "dags", "list-import-errors").stdout
    trained = airflow(folder, "dags", "test", "flights-train")
    assert "state=success" in trained.stdout + trained.stderr
    ((asset, version),) = asset_events(folder)
    assert (asset, version["version"], version["fingerprint"]) == ("flights-version", 1, week_fingerprint)
    assert live_version(week) == 1
    ticked = airflow(folder, "dags", "test", "flights-loop")
    assert "nothing to decide" in ticked.stdout + ticked.stderr
    assert len(asset_events(folder)) == 1, "a tick that decides nothing changes no asset"


def test_a_gate_that_refuses_fails_the_task_at_once(week: Path) -> None:
    refuse_all(week)
    folder = export("airflow", week)
    airflow(folder, "db", "migrate")
    failed = airflow(folder, "dags", "test", "flights-train", code=1)
    said = failed.stdout + failed.stderr
    assert "logistic regression" in said
    assert not re.search("up_for_retry", said, re.IGNORECASE)
    assert asset_events(folder) == []
