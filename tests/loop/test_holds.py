"""Legal holds: they are recorded, they keep a version readable, and they end only when somebody ends them."""

from datetime import timedelta

import polars as pl
import pytest

from mlops_lab.clock import now
from mlops_lab.errors import InvalidInput, NotFound
from mlops_lab.lake import Lake
from mlops_lab.lake.history import read_history
from mlops_lab.lake.retention import Retention
from mlops_lab.lake.upkeep import collect
from mlops_lab.loop.holds import place_hold, read_holds, release_hold
from mlops_lab.tables.declared import LEGAL_HOLDS


@pytest.fixture
def project(tmp_path, write_project):
    return write_project(tmp_path)


@pytest.fixture
def lake(project):
    lake = Lake(project.lake_path)
    for number in range(3):
        lake.append("orders", pl.DataFrame({"number": [number]}))
    return lake


def hold(project, lake, target: str, reason: str = "case 1"):
    return place_hold(project, lake, target, now=now(), by="ann", reason=reason)


def test_a_hold_stays_until_it_is_released(project, lake):
    first, second = hold(project, lake, "orders@1"), hold(project, lake, "orders", reason="case 2")
    assert [(item.table, item.version, item.reason) for item in (first, second)] == [
        ("orders", 1, "case 1"),
        ("orders", 2, "case 2"),
    ]
    assert read_holds(lake) == [first, second]
    assert {*read_history(lake.table_path("orders")).pinned} == {1, 2}
    assert release_hold(lake, first.hold, now=now(), by="bob", reason="closed") == first
    assert read_holds(lake) == [second]
    events = LEGAL_HOLDS.read(lake).sort("number").select("event", "hold", "by", "reason").rows()
    assert events[0] == ("hold", first.hold, "ann", "case 1")
    assert events[2] == ("release", first.hold, "bob", "closed")


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("nope", NotFound),
        ("nope@1", NotFound),
        ("orders@x", InvalidInput),
        ("orders@3", NotFound),
        ("orders@", InvalidInput),
    ],
)
def test_what_cannot_be_held_is_an_error_and_records_nothing(project, lake, target, error):
    with pytest.raises(error) as caught:
        hold(project, lake, target)
    assert caught.value.hint
    assert read_holds(lake) == []


def test_a_version_that_is_gone_cannot_be_held(project, lake):
    for _ in range(2):  # the checkpoint of the first one lets the commits before it go
        collect(lake, "orders", needed=(), retention=Retention(timedelta(0), timedelta(0)))
    with pytest.raises(NotFound, match="any more"):
        hold(project, Lake(lake.path), "orders@0")


def test_a_hold_that_is_not_there_cannot_be_released(project, lake):
    placed = hold(project, lake, "orders@1")
    with pytest.raises(NotFound) as caught:
        release_hold(lake, "abc", now=now(), by="ann", reason="closed")
    assert placed.hold in caught.value.hint
