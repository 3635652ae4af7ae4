"""What is exported for Dagster, run by Dagster in an environment of its own: the same version in the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from pages import free_port
from tool_runs import environment, export, live_version, refuse_all, run

pytestmark = [pytest.mark.tools, pytest.mark.exporter("dagster"), pytest.mark.timeout(600)]

MATERIALIZE = """
import json, dagster as dg, definitions
result = dg.materialize([definitions.checked_data, definitions.model_version], raise_on_error=False)
ticked = dg.materialize([definitions.ticks], raise_on_error=False) if result.success else result
events = [event for event in result.all_events if event.is_step_materialization]
versions = {event.asset_key.to_user_string(): event.materialization.tags.get("dagster/data_version") for event in events}
checks = {check.check_name: check.passed for check in result.get_asset_check_evaluations()}
schedule = definitions.defs.resolve_schedule_def("loop")
dg.Definitions.validate_loadable(definitions.defs)
print(json.dumps([result.success, ticked.success, versions, checks, schedule.cron_schedule]))
"""
FIND_DUE = """
import json, sys, definitions
found = [definitions.find_due(status) for status in json.loads(sys.argv[1])]
print(json.dumps([[reason, [asset.key.to_user_string() for asset in assets]] for reason, assets in found]))
"""


def dagster(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "home").mkdir(exist_ok=True)
    return run(words, folder, tool="dagster", DAGSTER_HOME=str(folder / "home"))


def materialize(folder: Path) -> list[Any]:
    done = dagster(["python", "-c", MATERIALIZE], folder)
    found: list[Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def ask_sensor(folder: Path) -> str:
    done = dagster(["dagster", "sensor", "preview", "due", "-m", "definitions"], folder)
    return done.stdout + done.stderr


def test_dagster_makes_the_same_version(week: Path, week_fingerprint: str) -> None:
    folder = export("dagster", week)
    assert "run requests for 1 run" in ask_sensor(folder)
    success, ticked, versions, checks, cron = materialize(folder)
    assert success
    assert ticked
    assert versions["model_version"] == week_fingerprint
    assert len(checks) == 8
    assert all(checks.values())
    assert cron == "*/1 * * * *"
    assert "nothing is due" in ask_sensor(folder)


def test_dagster_shows_the_gate_that_refused(week: Path) -> None:
    refuse_all(week)
    success, _, versions, checks, _ = materialize(export("dagster", week))
    assert not success
    assert "model_version" not in versions
    assert [name for name, passed in checks.items() if not passed] == ["baseline"]


def test_what_the_sensor_takes_for_due(week: Path) -> None:
    trained = {"last_decision": {}, "days_to_measure": 0, "now": "2013-06-10T00:00:00+00:00", "retraining": None}
    due = {"due": "2013-06-09T00:00:00+00:00"}
    statuses = [
        {**trained, "last_decision": None},
        trained,
        {**trained, "days_to_measure": 3},
        {**trained, "retraining": due},
        {**trained, "retraining": {"due": "2013-06-11T00:00:00+00:00"}},
        {**trained, "retraining": due, "now": None},
    ]
    done = dagster(["python", "-c", FIND_DUE, json.dumps(statuses)], export("dagster", week))
    nothing: list[object] = [None, []]
    assert json.loads(done.stdout) == [
        ["nothing was ever trained", ["checked_data", "model_version"]],
        nothing,
        ["days that are over and not measured: 3", ["ticks"]],
        [f"a training is due since {due['due']}", ["ticks"]],
        nothing,
        nothing,
    ]


SENSOR = 'sensorSelector: {repositoryName: "__repository__", repositoryLocationName: "definitions", sensorName: "due"}'
START = f"mutation {{ startSensor({SENSOR}) {{ __typename }} }}"
RUNS = "{ runsOrError { ... on Runs { results { status } } } }"
VERSIONS = "{ assetNodes { assetKey { path } dataVersion } }"


def ask(port: int, query: str) -> dict[str, Any]:
    """What the pages of Dagster would get; waits until it answers."""
    body = json.dumps({"query": query}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/graphql", body, {"content-type": "application/json"})
    for _ in range(200):
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                found: dict[str, Any] = json.load(answer)["data"]
                return found
        except OSError:
            time.sleep(1)
    raise AssertionError("dagster dev does not answer")


def test_in_dagster_dev_the_sensor_starts_the_first_training(week: Path, week_fingerprint: str) -> None:
    folder, port = export("dagster", week), free_port()
    (folder / "home").mkdir()
    (folder / "home" / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    words = ["dagster", "dev", "--host", "127.0.0.1", "--port", str(port)]
    variables = environment("dagster", DAGSTER_HOME=str(folder / "home"))
    log = (week.parent / "dagster.log").open("w")
    with log, subprocess.Popen(words, cwd=folder, env=variables, stdout=log, stderr=log, process_group=0) as server:
        try:
            assert ask(port, START)["startSensor"]["__typename"] == "Sensor"
            statuses: list[str] = []
            while not {"SUCCESS", "FAILURE"} & set(statuses):  # the test's own time limit ends it
                time.sleep(2)
                statuses = [item["status"] for item in ask(port, RUNS)["runsOrError"]["results"]]
            assert statuses == ["SUCCESS"]
            nodes = ask(port, VERSIONS)["assetNodes"]
        finally:
            os.killpg(server.pid, signal.SIGTERM)
    assert {"/".join(node["assetKey"]["path"]): node["dataVersion"] for node in nodes}[
        "model_version"
    ] == week_fingerprint
    assert live_version(week) == 1
