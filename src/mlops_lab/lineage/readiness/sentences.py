"""Findings that several tests share: what a gate judged, and what is measured each day."""

from __future__ import annotations

from mlops_lab.lineage.readiness.evidence import Days, Evidence
from mlops_lab.lineage.readiness.rubric import Effort, Finding, points_of
from mlops_lab.status.wording import format_count

WAIT_FOR_DAYS = "`mlops tick`, when the next day with answers is over (`mlops up` does it)"
WAIT_FOR_TRAINING = "wait for the next training, which takes new labels: `mlops up` starts it"
TRAIN_FIRST = "train a first version, and answer requests with it: `mlops up`"


def no_version() -> Finding:
    """Nothing was trained yet."""
    return Finding(points=0.0, evidence="no version was trained yet", mend=TRAIN_FIRST, effort=Effort.COMMAND)


def of_gate(evidence: Evidence, gate: str, meaning: str) -> Finding:
    """A gate that judges each candidate; `meaning` says in words what passes it."""
    judged = evidence.judged(gate)
    if not judged:
        return no_version()
    total, refused = len(judged), sum(not item.passed for item in judged)
    text = f"the gate `{gate}` ({meaning}) judged {format_count(total, 'candidate')}"
    text += f", and refused {refused}" if refused else ""
    points = points_of(total)
    return Finding(
        points=points,
        evidence=text,
        on=evidence.day(judged[-1].decision.at),
        mend=WAIT_FOR_TRAINING if points < 1 else None,
        effort=Effort.WAIT if points < 1 else None,
    )


def of_days(evidence: Evidence, days: Days, text: str) -> Finding:
    """What is measured when a day is over; `text` has `{days}` for how many there are."""
    if evidence.champion is None:
        return no_version()
    points = points_of(days.count)
    return Finding(
        points=points,
        evidence=text.format(days=format_count(days.count, "day")) if days.count else "no day was measured yet",
        on=days.last,
        mend=WAIT_FOR_DAYS if points < 1 else None,
        effort=Effort.WAIT if points < 1 else None,
    )
