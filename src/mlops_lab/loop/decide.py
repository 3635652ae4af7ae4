"""The second step of a tick: what is to be done, decided from the state and the observation alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from mlops_lab.loop.observe import Observation
from mlops_lab.loop.triggers.base import TriggerInput
from mlops_lab.loop.triggers.refusals import find_refusal
from mlops_lab.loop.triggers.run import find_trigger
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import Decision, DecisionKind, RolloutState
from mlops_lab.rollout.guardrails import check_guardrails
from mlops_lab.rollout.next_step import Step, next_step
from mlops_lab.rollout.watch import end_of_watch

_MADE_LATER = {DecisionKind.RETRAIN, DecisionKind.ROLL_BACK, DecisionKind.EXPIRE}
_BACK = {DecisionKind.ROLL_BACK, DecisionKind.EXPIRE}


def decide(project: Project, state: RolloutState, observation: Observation, *, by: str) -> Decision | None:
    """The decision that is due, or None: the next step of the rollout under way (while it is paused only the one back),
    else the end of the watch after a promotion, else whether to retrain, or, once, why a trigger that fired starts no
    training.

    While a retraining is under way, only a step back: the retraining ends with a decision of its own.
    """
    if state.stage is None:
        step = _decide_watch(project, state, observation, by=by)
    else:
        step = _decide_rollout(project, state, observation, by=by)
    if state.retraining is not None:
        return step if step is not None and step.what in _BACK else None
    if step is None and (state.stage is None or takes_fresher(project, state)):
        return _decide_retraining(project, state, observation, by=by)
    return step


def takes_fresher(project: Project, state: RolloutState) -> bool:
    """Whether a candidate that is trained now takes the place of the challenger."""
    return project.settings.rollout.proves_itself and state.stage is DecisionKind.SHADOW and not state.is_paused


def as_made_later(decision: Decision, now: datetime, zone: str) -> Decision | None:
    """The decision that was due at the end of a day without a tick, as it is made at `now`; None where it is not made.

    It takes effect now, so that is its moment, and the reason says as of which day it was due. The challenger is only
    taken back that way: for a step forward the days of its stage must have been lived, and what is known now counts.
    """
    if decision.what not in _MADE_LATER:
        return None
    last_moment = (decision.at - timedelta(microseconds=1)).astimezone(ZoneInfo(zone))
    reason = f"{decision.reason}; due since the end of {last_moment:%Y-%m-%d}, when no tick ran"
    return replace(decision, at=now, reason=reason, evidence={**decision.evidence, "due": decision.at.isoformat()})


def _decide_rollout(project: Project, state: RolloutState, observation: Observation, *, by: str) -> Decision | None:
    now, rollout = observation.now, observation.rollout
    assert rollout is not None
    is_known_better = rollout.is_known_better()
    step = check_guardrails(project, rollout.trial, task=rollout.task, is_known_better=is_known_better) or next_step(
        project,
        state,
        now,
        task=rollout.task,
        pairs=rollout.pairs,
        daily=rollout.daily,
        differing_cells=rollout.differing_cells,
    )
    if step is None or (state.is_paused and step.what not in _BACK):
        return None
    return _as_decision(step, state.challenger, now, by=by)


def _decide_watch(project: Project, state: RolloutState, observation: Observation, *, by: str) -> Decision | None:
    now, compared = observation.now, observation.rollout
    if state.watch is None or compared is None:
        return None
    step = end_of_watch(project, state.watch, now, task=compared.task, daily=compared.daily)
    if step is None:
        return None
    version = state.watch.version if step.what is DecisionKind.ROLL_BACK else state.champion
    return _as_decision(step, version, now, by=by)


def _as_decision(step: Step, version: int | None, now: datetime, *, by: str) -> Decision:
    return Decision(now, step.what, version, step.rule, step.reason, by, step.evidence)


def _decide_retraining(project: Project, state: RolloutState, observation: Observation, *, by: str) -> Decision | None:
    now = observation.now
    trigger_input = TriggerInput(
        project,
        now,
        state.last_retrain,
        observation.read_measurements,
        champion=state.champion,
        record=observation.champion,
        trainings=observation.trainings,
        count_new_labels=observation.count_new_labels,
    )
    fired = find_trigger(trigger_input)
    if fired is None:
        return None
    if (refusal := find_refusal(trigger_input, fired)) is not None:
        if refusal.rule in observation.trainings.refused_by:  # it was told
            return None
        return Decision(now, DecisionKind.REFUSE, None, refusal.rule, refusal.reason, by, refusal.evidence)
    return Decision(now, DecisionKind.RETRAIN, None, fired.rule, fired.reason, by, fired.evidence)
