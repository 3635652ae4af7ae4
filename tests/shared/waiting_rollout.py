"""A rollout that waits for the approval of a person."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from outcome_rows import write_outcomes

from mlops_lab.lake import Lake
from mlops_lab.monitoring.profile import make_profiles
from mlops_lab.project import Project, load_project
from mlops_lab.registry.package import PROFILE_FILE, package_fingerprint
from mlops_lab.rollout.decision_log import write_decision
from mlops_lab.rollout.decisions import Decision, DecisionKind

AT = datetime(2013, 3, 1, 5, tzinfo=UTC)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
_VERSION = {"package": "package", "fingerprint": "abc"}
DECISIONS = [
    Decision(AT, DecisionKind.RETRAIN, None, "asked", "", "ada"),
    Decision(AT, DecisionKind.BOOTSTRAP, 1, "gates", "", "ada", _VERSION),
    Decision(AT, DecisionKind.RETRAIN, None, "asked", "", "token:ada"),
    Decision(AT, DecisionKind.SHADOW, 2, "gates", "", "loop", _VERSION),
]
"""Ada asked for both versions."""


def write_waiting_rollout(tiny: Any, root: Path) -> Project:
    """The small project with version 2 in shadow for three days, and outcomes enough for its next step; `[approval]`
    asks for one person."""
    shutil.copytree(tiny.project.root, root)
    section = '\n[approval]\nsteps = ["canary", "promote"]\nwithin_days = 5\n'
    (root / "mlops.toml").write_text((root / "mlops.toml").read_text() + section)
    package = root / "package"
    (package / PROFILE_FILE).write_bytes(msgspec.json.encode(make_profiles(tiny.training.inputs)))
    project, lake = load_project(root), Lake(root / ".mlops/lake")
    evidence = {"package": "package", "fingerprint": package_fingerprint(package)}
    for number, decision in enumerate(DECISIONS):
        data = evidence if decision.version else {}
        assert write_decision(lake, replace(decision, at=tiny.now - 3 * DAY, evidence=data), earlier=number)
    write_outcomes(
        tiny, lake, *({"shadow_output": 0.6, "predicted_at": tiny.now - DAY + n * MINUTE} for n in range(60))
    )
    return project
