"""What is exported for Kedro, run by it in an environment of its own: the same version in the end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tool_runs import export, live_version, refuse_all, run

pytestmark = [pytest.mark.tools, pytest.mark.exporter("kedro"), pytest.mark.timeout(1200)]


def read_result(folder: Path, name: str) -> Any:
    return json.loads((folder / "results" / f"{name}.json").read_text())


def test_kedro_makes_the_same_version(week: Path, week_fingerprint: str) -> None:
    folder = export("kedro", week)
    run(["kedro", "run"], folder, tool="kedro")
    version = read_result(folder, "model_version")
    assert (version["version"], version["fingerprint"]) == (1, week_fingerprint)
    assert read_result(folder, "measures")["sanity.log_loss"] > 0
    assert live_version(week) == 1
    run(["kedro", "run", "--pipelines", "loop"], folder, tool="kedro")
    assert read_result(folder, "decisions") == []


def test_a_gate_that_refuses_fails_the_pipeline(week: Path) -> None:
    refuse_all(week)
    folder = export("kedro", week)
    failed = run(["kedro", "run"], folder, tool="kedro", code=1)
    assert "logistic regression" in failed.stdout + failed.stderr
    assert not (folder / "results" / "model_version.json").exists()
    assert live_version(week) is None
