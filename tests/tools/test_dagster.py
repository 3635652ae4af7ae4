"""What is exported for Dagster, run by Dagster in an environment of its own: the same version in the end."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tool_runs import export, refuse_all, run

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
print(json.dumps([definitions.find_due(status) for status in json.loads(sys.argv[1])]))
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
    days, training = "days that are over and not measured: 3", f"a training is due since {due['due']}"
    assert json.loads(done.stdout) == ["nothing was ever trained", None, days, training, None, None]
