"""The verdict on the newest rollout, from the decisions: promote, hold or roll back.

It only says what the loop has decided. An engine that follows it gives a version traffic when the loop's rules do, and
takes it away when they do.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from mlops_lab import clock
from mlops_lab.errors import MlopsError
from mlops_lab.files import write_atomically
from mlops_lab.lake import Lake
from mlops_lab.loop.joined_outcomes import task_of
from mlops_lab.loop.observe import UNREADABLE, measurements_since
from mlops_lab.loop.rollout_evidence import read_gains
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import Decision, DecisionKind, RolloutState, apply
from mlops_lab.rollout.next_step import share_now
from mlops_lab.rollout.proof import weigh
from mlops_lab.rollout.versions import find_version, package_folder
from mlops_lab.tables.rollout_verdict import RolloutVerdict, Verdict, read_generation

_PROMOTED = {DecisionKind.BOOTSTRAP, DecisionKind.PROMOTE, DecisionKind.CONFIRM}
_BACK = {DecisionKind.ROLL_BACK, DecisionKind.EXPIRE}


@dataclass(frozen=True)
class _Judged:
    """The verdict on a version, and by which rule, why, and on which evidence."""

    verdict: Verdict
    version: int | None
    share: float
    rule: str
    reason: str
    evidence: dict[str, Any] = field(default_factory=dict)


def write_verdict_of_decision(project: Project, lake: Lake, decisions: Sequence[Decision], state: RolloutState) -> None:
    """Write the verdict where decisions were made since the last one. Else it is left as it is, and as old as it is:
    nothing was looked at again."""
    if decisions and read_generation(project.verdict_path) != state.generation:
        write_verdict(project, lake, decisions, state, at=decisions[-1].at)


def write_verdict(
    project: Project, lake: Lake, decisions: Sequence[Decision], state: RolloutState, *, at: datetime
) -> None:
    """Write the verdict as of `at` for servers. What the disk refuses is left out: the file before is then of another
    generation, or becomes too old, and servers say `hold`."""
    judged = _judge(project, lake, decisions, state)
    verdict = RolloutVerdict(
        verdict=judged.verdict,
        version=judged.version,
        share=judged.share,
        champion=state.champion,
        stage=None if state.stage is None else str(state.stage),
        rule=judged.rule,
        reason=judged.reason,
        evidence=judged.evidence,
        at=at,
        written_at=clock.now(),
        generation=state.generation,
    )
    with suppress(OSError):
        write_atomically(project.verdict_path, msgspec.json.encode(verdict), durable=False)


def _judge(project: Project, lake: Lake, decisions: Sequence[Decision], state: RolloutState) -> _Judged:
    if state.stage is not None:
        return _judge_under_way(project, lake, decisions, state)
    before = RolloutState()
    judged = _Judged("hold", None, 0.0, "nothing_live", "no version is live yet")
    for decision in decisions:
        if decision.what in _PROMOTED:
            judged = _from(decision, "promote", decision.version, share=1.0)
        elif decision.what in _BACK:
            judged = _from(decision, "roll_back", before.challenger or before.champion, share=0.0)
        before = apply(before, decision)
    return judged


def _from(decision: Decision, verdict: Verdict, version: int | None, *, share: float) -> _Judged:
    return _Judged(verdict, version, share, decision.rule, decision.reason, decision.evidence)


def _judge_under_way(project: Project, lake: Lake, decisions: Sequence[Decision], state: RolloutState) -> _Judged:
    """Hold, with what the days have shown so far: a step of a rollout that was due has been taken."""
    assert state.champion is not None
    assert state.compared_since is not None
    assert state.since is not None
    stage = "paused" if state.is_paused else f"in {state.stage}"
    reason = f"version {state.challenger} is {stage} since {state.since:%Y-%m-%d}"
    try:
        task = task_of(project, package_folder(project, find_version(decisions, state.champion)))
        proof = weigh(project, read_gains(measurements_since(lake, state.compared_since)))
        reason, evidence = f"{reason}: {proof.say(task)}", proof.evidence
    except UNREADABLE as error:
        what = error.what if isinstance(error, MlopsError) else type(error).__name__
        reason, evidence = f"{reason}; its evidence cannot be read: {what}", {}
    rule = "rollout.paused" if state.is_paused else f"rollout.{state.stage}"
    return _Judged("hold", state.challenger, share_now(project, state), rule, reason, dict(evidence))
