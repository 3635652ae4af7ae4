"""Guardrails: what ends a rollout at the next tick, before any outcome is known.

One table of rules. Each looks at what became of the last requests that servers asked the challenger to score, in shadow
or as canary, and says in a sentence what it saw.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mlops_lab.project import Project
from mlops_lab.project.sections import GuardrailsSection
from mlops_lab.rollout.decisions import DecisionKind
from mlops_lab.rollout.next_step import Step
from mlops_lab.serving.answering.trials import Trial
from mlops_lab.tasks.base import Task
from mlops_lab.tasks.multiclass import Multiclass
from mlops_lab.tasks.regression import Regression


@dataclass(frozen=True)
class Seen:
    """A figure, its limit, on how many requests it was seen, and a sentence about it."""

    value: float
    limit: float
    requests: int
    text: str


@dataclass(frozen=True)
class Guardrail:
    """A rule: what it sees of a trial, and whether it only stands for outcomes that are not known yet."""

    rule: str
    look: Callable[[Trial, GuardrailsSection, Task], Seen]
    stands_for_outcomes: bool = False


def check_guardrails(project: Project, trial: Trial, *, task: Task, is_known_better: bool = False) -> Step | None:
    """The way back, by the first guardrail that sees too much; None where all is well, or too few requests were
    seen.

    Other answers are suspect only while no outcomes tell: where the world has changed, a better model answers
    otherwise. `is_known_better`: whether outcomes have shown the challenger to be better.
    """
    limits = project.settings.guardrails
    for guardrail in GUARDRAILS:
        if is_known_better and guardrail.stands_for_outcomes:
            continue
        seen = guardrail.look(trial, limits, task)
        if seen.requests >= limits.min_requests and seen.value > seen.limit:
            evidence = {"requests": float(seen.requests), "value": seen.value, "limit": seen.limit}
            return Step(DecisionKind.ROLL_BACK, guardrail.rule, seen.text, evidence)
    return None


def _errors(trial: Trial, limits: GuardrailsSection, _: Task) -> Seen:
    text = (
        f"it failed with an error at {trial.failed:,} of {trial.asked:,} requests; {limits.max_errors:.2%} are allowed"
    )
    return Seen(_share(trial.failed, trial.asked), limits.max_errors, trial.asked, text)


def _refused(trial: Trial, limits: GuardrailsSection, _: Task) -> Seen:
    text = (
        f"it had no answer to {trial.unanswered:,} of {trial.asked:,} requests that the champion answered; "
        f"{limits.max_refused:.2%} are allowed"
    )
    return Seen(_share(trial.unanswered, trial.asked), limits.max_refused, trial.asked, text)


def _missing(trial: Trial, limits: GuardrailsSection, _: Task) -> Seen:
    ours, theirs = (_share(count, trial.looked_up) for count in (trial.missing, trial.missing_before))
    text = (
        f"its views had no values for {ours:.1%} of {trial.looked_up:,} requests, those of the champion for "
        f"{theirs:.1%}; {limits.max_missing:.1%} more are allowed"
    )
    return Seen(ours - theirs, limits.max_missing, trial.looked_up, text)


def _latency(trial: Trial, limits: GuardrailsSection, _: Task) -> Seen:
    taken_ms = 1000 * _share(trial.seconds, trial.timed)
    taken = f"it took {taken_ms:.3g} ms on average to score {trial.timed:,} requests"
    text = f"{taken}; {limits.max_score_ms:g} ms are allowed"
    return Seen(taken_ms, limits.max_score_ms, trial.timed, text)


def _output_shift(trial: Trial, limits: GuardrailsSection, task: Task) -> Seen:
    if not trial.compared:
        return Seen(0.0, limits.max_output_shift, 0, "")
    unit = trial.compared * (task.scale if isinstance(task, Regression) else 1.0)
    names = task.classes if isinstance(task, Multiclass) else ("",)  # classes that are new have no answers yet
    means = [
        (name, ours / unit, theirs / unit)
        for name, ours, theirs in zip(names, trial.outputs, trial.outputs_before, strict=False)
    ]
    name, ours, theirs = max(means, key=lambda mean: abs(mean[1] - mean[2]))
    of = f" for {name}" if name else ""
    text = (
        f"its answers{of} are {ours:.3g} on average, those of the champion {theirs:.3g}, on the same "
        f"{trial.compared:,} requests; {limits.max_output_shift:g} apart are allowed"
    )
    return Seen(abs(ours - theirs), limits.max_output_shift, trial.compared, text)


def _share(count: float, total: int) -> float:
    return count / total if total else 0.0


GUARDRAILS = (
    Guardrail("guardrails.max_errors", _errors),
    Guardrail("guardrails.max_refused", _refused),
    Guardrail("guardrails.max_missing", _missing),
    Guardrail("guardrails.max_score_ms", _latency),
    Guardrail("guardrails.max_output_shift", _output_shift, stands_for_outcomes=True),
)
