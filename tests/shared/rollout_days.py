"""The days of a rollout to come, for a loop that lives them with the real tables and files."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from outcome_rows import HOUR, write_outcomes

from mlops_lab.clock import day_of, days_after
from mlops_lab.lake import Lake
from mlops_lab.loop.observe import measurements_since, show_superseded
from mlops_lab.monitoring.profile import make_profiles
from mlops_lab.project import Project, load_project
from mlops_lab.registry.package import PROFILE_FILE, package_fingerprint
from mlops_lab.rollout.decision_log import write_decision
from mlops_lab.rollout.decisions import Decision, DecisionKind, RolloutState
from mlops_lab.tasks.binary import Binary

ROLLOUT = """
[rollout]
prove = "better"
shadow_days = 1
canary_days = 1
canary_steps = [0.1, 0.5]
watch_days = 12

[triggers]
every_days = 5
cooldown_days = 1
max_calibration_gap = 0.99
"""
BETTER, EQUAL = 0.7, 0.5
SHADOW_ANSWERS = [EQUAL] * 5 + [BETTER] * 24
"""By day: what the version in shadow answers to requests that all come true; the champion says 0.5. So the candidate is
promoted, and then the champion before proves to be better."""


def day_end(tiny: Any, days: int) -> datetime:
    """The midnight this many days after the first one."""
    first = day_of(tiny.training.cutoff, tiny.project.timezone) + timedelta(days=1)
    return days_after(first, days, tiny.project.timezone)


def prepare_rollout(
    tiny: Any,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    settings: str = ROLLOUT,
    shadow_answers: Sequence[float] = SHADOW_ANSWERS,
) -> Project:
    """The small project with version 1 live, and the outcomes of the days to come, each with the answers of two
    versions. Trainings cost nothing: each candidate has the same package, and the first two pass."""
    shutil.copytree(tiny.project.root, root)
    (root / "mlops.toml").write_text((root / "mlops.toml").read_text() + settings)
    package = root / "package"
    (package / PROFILE_FILE).write_bytes(msgspec.json.encode(make_profiles(tiny.training.inputs)))
    evidence = {"package": "package", "fingerprint": package_fingerprint(package)}
    project, lake = load_project(root), Lake(root / ".mlops/lake")
    first = Decision(day_end(tiny, 0), DecisionKind.BOOTSTRAP, 1, "gates", "good", "test", evidence)
    assert write_decision(lake, first, earlier=0)
    rows = [
        {"predicted_at": day_end(tiny, day) + hour * HOUR, "shadow_output": answer + 0.02 * (day % 3)}
        for day, answer in enumerate(shadow_answers)
        for hour in range(20)
        for _ in range(3)
    ]
    write_outcomes(tiny, lake, *({**row, "known_at": row["predicted_at"] + HOUR} for row in rows))

    def train(project: Project, lake: Lake, *, decisions: list[Decision], state: RolloutState, now: datetime, **_: Any):
        version = max(decision.version or 0 for decision in decisions) + 1
        kind, reason = DecisionKind.SHADOW, "it passed"
        if version > 3:  # so that no candidate ends the watch
            kind = DecisionKind.REFUSE
        elif state.stage is not None:
            kind, (_, reason) = (
                DecisionKind.SUPERSEDE,
                show_superseded(project, state, read_measurements=partial(measurements_since, lake), task=Binary()),
            )
        return Decision(now, kind, version, "gates", reason, "loop", evidence)

    monkeypatch.setattr("mlops_lab.loop.retrain.retrain", train)
    monkeypatch.setattr("mlops_lab.loop.tick.keep_champion_named", lambda *_, **__: None)
    return project
