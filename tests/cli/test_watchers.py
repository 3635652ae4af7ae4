"""What `mlops up` prints: lines for people, JSON lines for machines."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from mlops_lab.cli.watchers import JsonLines, TextLines, _progress_line
from mlops_lab.errors import EnvironmentFault
from mlops_lab.rollout.decisions import Decision, DecisionKind
from mlops_lab.runtime.first_steps import FirstSteps
from mlops_lab.runtime.up import UpSummary
from mlops_lab.serving.process.address import Address
from mlops_lab.serving.process.health_probe import HealthProbe

ADDRESS = Address(pid=4711, host="127.0.0.1", port=9000)
STEPS = FirstSteps("curl predict", "curl outcome", "mlops outcomes labels.csv", "id,late")
DECISION = Decision(datetime(2013, 3, 2, 5, tzinfo=UTC), DecisionKind.PROMOTE, 2, "rollout.canary_days", "good", "loop")
ERROR = EnvironmentFault("the server died", code="server_gone", hint="it is restarted")
SUMMARY = UpSummary(seconds=75.0, answers=1200, outcomes=1, decisions=2)


def play(watcher: Any) -> None:
    with watcher:
        watcher.stage_began("training")
        watcher.server_ready(ADDRESS, STEPS)
        watcher.decision_made(DECISION)
        watcher.failed(ERROR)
        watcher.server_ready(ADDRESS, None)
        watcher.stopped(SUMMARY)


def test_lines_for_people(tiny: Any, capsys: pytest.CaptureFixture[str]) -> None:
    play(TextLines(tiny.project))
    printed = capsys.readouterr()
    assert "tiny answers on http://127.0.0.1:9000 (process 4711); Ctrl-C stops it" in printed.out
    assert "  curl predict" in printed.out
    assert "2013-03-02 00:00 version 2 was promoted: good" in printed.out
    assert "the server answers again on http://127.0.0.1:9000" in printed.out
    assert "stopped after 1 min: 1,200 answers, 1 outcome, 2 decisions" in printed.out
    assert "error: the server died\nhint: it is restarted" in printed.err


def test_json_lines_for_machines(tiny: Any, capsys: pytest.CaptureFixture[str]) -> None:
    play(JsonLines(tiny.project))
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["event"] for event in events] == ["ready", "decision", "error", "ready", "stopped"]
    assert all(event["schema_version"] == 1 for event in events)
    assert events[0]["predict"] == "curl predict"
    assert "predict" not in events[3]
    assert (events[1]["what"], events[1]["version"]) == ("promote", 2)
    assert events[2]["code"] == "server_gone"
    assert events[4]["answers"] == 1200


def test_the_status_line_says_how_the_server_is() -> None:
    healthy = _progress_line(HealthProbe(1200, 30), 12.34, 30.0)
    assert healthy == "1,200 answers, 12.3 a second; 30 wait for their outcome; next tick in 30 s"
    assert _progress_line(None, 0.0, 30.0) == "the server does not answer; next tick in 30 s"
