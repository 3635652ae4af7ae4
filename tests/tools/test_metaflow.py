"""What is exported for Metaflow, run and read back by it in an environment of its own: the same version in the end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tool_runs import export, live_version, refuse_all, run

pytestmark = [pytest.mark.tools, pytest.mark.exporter("metaflow"), pytest.mark.timeout(1200)]
READ = """
import json
from metaflow import Flow, namespace

namespace(None)
print(json.dumps({name: {item.id: item.data for item in Flow(name).latest_run["end"].task} for name in ("Train", "Loop")},
                 default=str))
"""


def metaflow(folder: Path, *words: str, code: int = 0) -> str:
    own = {"METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder.parent), "METAFLOW_HOME": str(folder / "home"), "USER": "ada"}
    done = run(["python", *words], folder, tool="metaflow", code=code, **own)
    return done.stdout + done.stderr


def test_metaflow_makes_the_same_version(week: Path, week_fingerprint: str) -> None:
    folder = export("metaflow", week)
    assert f"version 1, fingerprint {week_fingerprint}" in metaflow(folder, "train.py", "run")
    assert live_version(week) == 1
    assert "nothing to decide" in metaflow(folder, "loop.py", "run")
    found: dict[str, Any] = json.loads(metaflow(folder, "-c", READ).splitlines()[-1])
    assert found["Train"]["fingerprint"] == week_fingerprint
    assert found["Train"]["measures"]["sanity.log_loss"] > 0
    assert found["Loop"]["decisions"] == []


def test_a_gate_that_refuses_fails_the_run_at_once(week: Path) -> None:
    refuse_all(week)
    said = metaflow(export("metaflow", week), "train.py", "run", code=1)
    assert "logistic regression" in said
    assert "Retrying" not in said
    assert live_version(week) is None
