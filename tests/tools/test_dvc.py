"""What is exported for DVC, run by DVC in an environment of its own: the same version in the end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tool_runs import export, refuse_all, run

pytestmark = [pytest.mark.tools, pytest.mark.exporter("dvc"), pytest.mark.timeout(600)]


def commit(folder: Path) -> None:
    for words in (["add", "-A"], ["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "state"]):
        run(["git", *words], folder)


def test_dvc_repro_makes_the_same_version(week: Path, week_fingerprint: str) -> None:
    run(["git", "init", "-q"], week)
    (week / ".gitignore").write_text(".mlops/\n__pycache__/\n")
    folder = export("dvc", week)
    run(["dvc", "repro"], folder, tool="dvc", DVC_NO_ANALYTICS="1")
    version: dict[str, Any] = json.loads((folder / "results" / "version.json").read_text())
    assert (version["version"], version["fingerprint"]) == (1, week_fingerprint)
    commit(week)
    assert "didn't change, skipping" in run(["dvc", "repro"], folder, tool="dvc", DVC_NO_ANALYTICS="1").stdout
    shown = json.loads(run(["dvc", "metrics", "show", "--json"], folder, tool="dvc", DVC_NO_ANALYTICS="1").stdout)
    assert shown[""]["data"]["results/metrics.json"]["data"]["sanity.log_loss"] > 0
    run(["dvc", "plots", "show", "--out", "shown"], folder, tool="dvc", DVC_NO_ANALYTICS="1")
    assert "sanity.log_loss" in (folder / "shown" / "index.html").read_text()

    forced = run(["dvc", "repro", "--force"], folder, tool="dvc", DVC_NO_ANALYTICS="1")
    assert "Running stage 'run'" in forced.stdout
    assert json.loads((folder / "results" / "version.json").read_text()) == version, "identical: the same version"

    data = json.loads((folder / "results" / "metrics.json").read_text())
    (folder / "results" / "metrics.json").write_text(json.dumps({**data, "sanity.log_loss": 0.25}))
    differing = json.loads(run(["dvc", "metrics", "diff", "--json"], folder, tool="dvc", DVC_NO_ANALYTICS="1").stdout)
    assert differing["results/metrics.json"]["sanity.log_loss"]["new"] == 0.25


def test_a_gate_that_refuses_fails_the_stage(week: Path) -> None:
    refuse_all(week)
    run(["git", "init", "-q"], week)
    folder = export("dvc", week)
    failed = run(["dvc", "repro"], folder, tool="dvc", DVC_NO_ANALYTICS="1", code=255)
    assert "logistic regression" in failed.stdout + failed.stderr
    assert not (folder / "results" / "version.json").exists()
