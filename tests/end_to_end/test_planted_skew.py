"""A skew that somebody planted in the server is found, named, and nobody is promoted on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import msgspec
import polars as pl
import pytest
from synthetic import World, day_begin, live
from verifying import make_verifier

from mlops_lab.alerts.channels.table import read_alerts
from mlops_lab.features.definition import Features
from mlops_lab.features.memory import MemoryStore
from mlops_lab.features.online import ALWAYS, Fact, FactRow
from mlops_lab.features.view_reader import ViewReader
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.loop.tick import Loop
from mlops_lab.monitoring.parity import ParityReport
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import DecisionKind, RolloutState
from mlops_lab.serving.answering.routing_table import read_routing_table
from mlops_lab.serving.answering.service import Service
from mlops_lab.tables.declared import MEASUREMENTS


@contextmanager
def service_of(project: Project) -> Iterator[Service]:
    """The server's inside, without HTTP."""
    service = Service(project, read_routing_table(project.deployment_path))
    try:
        yield service
    finally:
        service.close()


def play(project: Project, world: World, first: float, last: float) -> None:
    """Facts of the table are submitted an hour before they are known, which changes nothing: until then they are not
    visible."""
    ahead = [row for moment in live(world, day_begin(first), day_begin(last)) for row in moment.traffic]
    with service_of(project) as service:
        for moment in live(world, day_begin(first), day_begin(last)):
            if moment.outcomes:
                service.accept_outcomes(msgspec.convert(moment.outcomes, list[service.schemas.outcome]))  # type: ignore[name-defined]
            soon = (moment.at + timedelta(hours=1)).isoformat()
            submitted = [ahead.pop(0) for row in tuple(ahead) if row["seen_at"] <= soon]
            kind = service.schemas.rows["traffic"]
            service.accept_facts("traffic", msgspec.convert(submitted, list[kind]))  # type: ignore[valid-type]
            if moment.requests:
                service.predict(msgspec.convert(moment.requests, list[service.schemas.request]))  # type: ignore[name-defined]


def verify(project: Project) -> ParityReport:
    loop = Loop(project)
    ingest_journal(project, loop.lake)
    return make_verifier(project, loop.lake).verify_all()


def test_what_was_served_as_defined_has_no_difference(project: Project, world: World) -> None:
    play(project, world, 24, 25)
    report = verify(project)
    assert report.predictions > 60
    assert report.cells > 8 * report.predictions
    assert (report.differing, report.examples) == ({}, [])


def change_an_expression(monkeypatch: pytest.MonkeyPatch) -> None:
    derive = Features.derive

    def otherwise(self: Features, columns: Any, *, rows: int) -> pl.DataFrame:
        return derive(self, columns, rows=rows).with_columns(pl.col("hour") + 1)

    monkeypatch.setattr(Features, "derive", otherwise)


def drop_a_column(monkeypatch: pytest.MonkeyPatch) -> None:
    add = MemoryStore.add

    def otherwise(self: MemoryStore, table: str, rows: Iterable[FactRow]) -> None:
        kept = [
            fact_row._replace(row={**fact_row.row, "load": None}) if "load" in fact_row.row else fact_row
            for fact_row in rows
        ]
        add(self, table, kept)

    monkeypatch.setattr(MemoryStore, "add", otherwise)


def apply_facts_early(monkeypatch: pytest.MonkeyPatch) -> None:
    to_fact = ViewReader.to_fact

    def otherwise(self: ViewReader, fact_row: FactRow) -> tuple[Any, Fact] | None:
        entity_and_fact = to_fact(self, fact_row)
        return entity_and_fact and (entity_and_fact[0], entity_and_fact[1]._replace(seen=ALWAYS))

    monkeypatch.setattr(ViewReader, "to_fact", otherwise)


PLANTED: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], str, str | None]] = {
    "a changed expression": (change_an_expression, "hour", None),
    "a dropped column": (drop_a_column, "load", "traffic"),
    "facts applied before they were known": (apply_facts_early, "load", "traffic"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_skew_is_found_and_named(
    project: Project, world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    plant, feature, view = PLANTED[name]
    with monkeypatch.context() as planted:
        plant(planted)
        play(project, world, 24, 25)
    report = verify(project)
    assert report.differing[feature] > 10
    example = next(item for item in report.examples if item.feature == feature)
    assert example.view == view
    assert example.served != example.defined
    assert isinstance(example.at, datetime)
    assert sum(item.feature == feature for item in report.examples) <= 5

    loop = Loop(project)
    loop.tick(day_begin(25))
    alerts = read_alerts(loop.lake)
    assert {alert.rule for alert in alerts} == {"parity"}
    assert MEASUREMENTS.read(loop.lake)["at"].max() == day_begin(25), "the tick went on"
    alert = next(alert for alert in alerts if f'"{feature}"' in alert.what)
    assert alert.rule == "parity"
    assert repr(example.at.year) in alert.where
    if view:
        assert f"view {view}" in alert.where
        assert all(f"{key}=" in alert.where for key in example.entity)


def test_nobody_is_promoted_on_answers_that_training_would_not_give(
    copy_project: Callable[..., Project], lived: Any, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rollout under way is ended on the day on which the skew is seen."""
    project = copy_project(lived / "due")
    loop = Loop(project)
    play(project, world, 29, 30)
    loop.tick(day_begin(30))
    assert loop.state.stage is DecisionKind.SHADOW
    with monkeypatch.context() as planted:
        change_an_expression(planted)
        play(project, world, 30, 31)
    decisions = loop.tick(day_begin(31))
    assert [(decision.what, decision.rule) for decision in decisions] == [(DecisionKind.ROLL_BACK, "rollout.parity")]
    assert "served differently from their definition" in decisions[0].reason
    assert isinstance(loop.state, RolloutState)
    assert loop.state.challenger is None
