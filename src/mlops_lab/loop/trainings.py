"""What the decisions tell about trainings, and about the champion when it was accepted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mlops_lab.rollout.decisions import Decision, DecisionKind
from mlops_lab.tasks.base import Task

_MADE_CHAMPION = {DecisionKind.BOOTSTRAP, DecisionKind.PROMOTE, DecisionKind.ROLL_BACK}


@dataclass(frozen=True)
class Trainings:
    """When each training began, in order, also those that a person started; and the rules by which triggers were
    refused since the last one: such a refusal is told once."""

    began: tuple[datetime, ...] = ()
    refused_by: frozenset[str] = frozenset()


NO_TRAININGS = Trainings()


@dataclass(frozen=True)
class ChampionRecord:
    """The champion as it was accepted: what it predicts, since when it answers, its loss on the held-out rows (None: it
    was not recorded), and how much higher the loss is where an input is shuffled, by input (see `importance`)."""

    version: int
    task: Task
    since: datetime
    loss: float | None = None
    importances: Mapping[str, float] = field(default_factory=dict)


def read_trainings(decisions: Sequence[Decision]) -> Trainings:
    """The trainings that the decisions record."""
    began: list[datetime] = []
    refused_by: set[str] = set()
    for at, decision in _dated(decisions):
        if decision.what is DecisionKind.RETRAIN:
            began.append(at)
            refused_by.clear()
        elif decision.what is DecisionKind.REFUSE and decision.version is None:
            refused_by.add(decision.rule)
    return Trainings(tuple(began), frozenset(refused_by))


def read_champion(decisions: Sequence[Decision], version: int, task: Task) -> ChampionRecord | None:
    """The record of the champion; None where the decisions do not tell when it became that."""
    made = [at for at, of in _dated(decisions) if of.what in _MADE_CHAMPION and of.version == version]
    if not made:
        return None
    evidence = next((of.evidence for of in decisions if of.version == version and "gates" in of.evidence), {})
    return ChampionRecord(version, task, made[-1], _held_out_loss(evidence, task), evidence.get("importances", {}))


def _held_out_loss(evidence: Mapping[str, Any], task: Task) -> float | None:
    figures = [verdict["evidence"] for verdict in evidence.get("gates", ()) if verdict["gate"] == "sanity"]
    loss = figures[0].get(task.loss_name.replace(" ", "_")) if figures else None
    return None if loss is None else float(loss)


def _dated(decisions: Sequence[Decision]) -> Iterator[tuple[datetime, Decision]]:
    """Each decision with its moment: one that is dated after a later `clock` decision counts as made with that."""
    latest_possible: datetime | None = None
    dated: list[tuple[datetime, Decision]] = []
    for decision in reversed(decisions):
        if decision.what is DecisionKind.CLOCK:
            latest_possible = min(decision.at, latest_possible or decision.at)
        dated.append((min(decision.at, latest_possible or decision.at), decision))
    return reversed(dated)
