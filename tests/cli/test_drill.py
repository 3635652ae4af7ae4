"""What `mlops drill` prints, and how it ends."""

from __future__ import annotations

import importlib
import io
import json
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from drills_project import write_project
from rich.console import Console

from mlops_lab.cli.drill import render
from mlops_lab.cli.errors import guarded
from mlops_lab.drills.catalog import find_drill
from mlops_lab.drills.drill import DrillResult, Observed

DAY = timedelta(days=1)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs a command in this process; its exit code."""

    def run(*words: str) -> int:
        monkeypatch.setattr(sys, "argv", ["mlops", *words])
        return guarded(importlib.import_module("mlops_lab.cli.main").app)

    return run


def result(**observed: object) -> DrillResult:
    usual = {"fault": "rating is null", "detected": DAY, "detected_by": "nulls of rating", "recovered": 2 * DAY}
    seen = Observed(**{**usual, "requests": 1000, "harmed": 100, **observed})
    return DrillResult(drill=find_drill("null-column"), observed=seen, seconds=9.0)


def printed(*results: DrillResult) -> list[str]:
    out = io.StringIO()
    render(results, Console(file=out, width=120))
    return [" ".join(line.split()) for line in out.getvalue().splitlines()]


def test_each_figure_stands_beside_its_target() -> None:
    lines = printed(result())
    assert lines[0] == "drill detected over harmed false actions target"
    assert lines[2] == "null-column 1 day (2 days) 2 days (4 days) 100 of 1,000 (30%) 0 (0) met"
    assert lines[-2:] == ["null-column: rating is null", "named by: nulls of rating"]


def test_a_target_that_was_not_met_is_said_so() -> None:
    lines = printed(result(detected=None, detected_by="", recovered=None, false_actions=["retrain (triggers.drift)"]))
    assert lines[2] == "null-column - (2 days) - (4 days) 100 of 1,000 (30%) 1 (0) NOT met"
    assert lines[-2:] == ["named by: nothing named it", "false action: retrain (triggers.drift)"]


def test_the_list_has_every_target(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("drill", "list", "--json") == 0
    drills = {drill["name"]: drill for drill in json.loads(capsys.readouterr().out)["drills"]}
    assert len(drills) == 13
    assert drills["null-column"]["detect_within_seconds"] == 2 * 86400
    assert not drills["dead-server"]["needs_days"]


def test_an_unknown_drill_and_too_little_history_are_one_error_each(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    project = write_project(tmp_path / "shop", days=20, a_day=5)
    assert run("drill", "run", "earthquake", "--project", str(project.root)) == 2
    assert 'there is no drill "earthquake"' in capsys.readouterr().err
    assert run("drill", "run", "null-column", "--project", str(project.root), "--json") == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "too_little_history"
    assert "20 days" in error["what"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_exit_code_says_whether_all_targets_were_met(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    project = write_project(tmp_path / "shop", days=20, a_day=120)
    code = run("drill", "run", "tampered-package", "--project", str(project.root), "--json")
    record = json.loads(capsys.readouterr().out)
    (row,) = record["results"]
    assert record["passed"] == (row["misses"] == []) == (code == 0)
    assert "package_changed" in row["detected_by"]
    assert row["harmed"] == 0
