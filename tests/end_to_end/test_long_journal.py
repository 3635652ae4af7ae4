"""After weeks the journal is long: servers get a newer state to start from, and what lies before it goes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import polars as pl
import pytest
from synthetic import World, ask, day_begin

from mlops_lab.journal.segments import segments
from mlops_lab.loop.tick import Loop
from mlops_lab.project import Project
from mlops_lab.serving.answering.routing_table import read_routing_table
from mlops_lab.serving.answering.service import Service


def test_a_turn_moves_the_state_on_and_drops_what_is_before_it(
    project: Project, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlops_lab.rollout.deploy.LONG_BYTES", 30_000)
    rows = world.parcels.filter(pl.col("asked_at") >= day_begin(24)).head(200).to_dicts()
    loop = Loop(project)
    loop.act(new_state=True)
    service = Service(project, read_routing_table(project.deployment_path))
    service.journal._segment_bytes = 10_000
    told: dict[str, Any] = {}
    for start in range(0, 200, 20):
        requests = [msgspec.convert(ask(row), service.schemas.request) for row in rows[start : start + 20]]
        told |= {record.id: record.output for record in service.predict(requests)}
    before = read_routing_table(project.deployment_path)
    assert len(segments(project.journal_path)) >= 4
    again = service.predict([msgspec.convert(ask(row), service.schemas.request) for row in rows])
    assert {record.id: record.output for record in again} == told, "read from wherever it was written down"

    loop.tick(day_begin(25))

    after = read_routing_table(project.deployment_path)
    assert (before.state_positions, after.state_positions) == ((0,), (service.journal.position,))
    assert len(segments(project.journal_path)) >= 4, "a copy that has just begun may need them"
    monkeypatch.setattr("mlops_lab.rollout.journal_retention.KEPT", timedelta(0))
    loop.act()  # notes that they are not needed any more
    loop.act()
    assert len(segments(project.journal_path)) == 1
    service.deploy(after)  # as a running server does, which then still knows what it answered
    again = service.predict([msgspec.convert(ask(row), service.schemas.request) for row in rows])
    assert {record.id: record.output for record in again} == told
    assert service.journal.position == after.state_positions[0]
    service.close()
    loop.tick(day_begin(25))
    assert read_routing_table(project.deployment_path) == after, "not again at every tick"
