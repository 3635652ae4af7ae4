"""The record of erasures, and when the kept copies go."""

from datetime import timedelta

import polars as pl
import pytest
from msgspec.structs import replace

from mlops_lab.clock import now
from mlops_lab.lake import Lake
from mlops_lab.loop.erasures import (
    BEGUN,
    ERASED,
    Erasure,
    facts_erased,
    finish_erasures,
    hash_person,
    merge_counts,
    note_erasure,
    read_erasures,
)
from mlops_lab.tables.declared import ALERTS


@pytest.fixture
def project(tmp_path, write_project):
    project = write_project(tmp_path)
    project.home.mkdir()
    return project


def erasure(event: str, *, minutes: int = 0, name: str = "one") -> Erasure:
    due = None if event == BEGUN else now() + timedelta(minutes=minutes)
    return Erasure(
        erasure=name, at=now(), event=event, person="hash", by="ann", due=due, rows={"orders": 2}, versions=[1]
    )


def test_the_hash_tells_only_that_two_are_one_and_only_in_one_project(project, tmp_path, write_project):
    assert hash_person(project, "c17") == hash_person(project, "c17") != hash_person(project, "c18")
    assert "c17" not in hash_person(project, "c17")
    (tmp_path / "other" / ".mlops").mkdir(parents=True)
    assert hash_person(write_project(tmp_path / "other"), "c17") != hash_person(project, "c17")


def test_an_erasure_is_as_its_last_event_says(project):
    lake = Lake(project.lake_path)
    assert read_erasures(lake) == []
    first, other, last = erasure(BEGUN), erasure(BEGUN, name="two"), erasure(ERASED, minutes=60)
    for item in (first, other, last):
        note_erasure(lake, item)
    assert read_erasures(lake) == [last, other]


def test_copies_go_when_it_is_due_and_not_before(project):
    lake = Lake(project.lake_path)
    lake.append("orders", pl.DataFrame({"id": ["1"]}))
    finish_erasures(project, lake, now=now())
    note_erasure(lake, erasure(ERASED, minutes=5))
    finish_erasures(project, lake, now=now())
    assert [item.event for item in read_erasures(lake)] == ["erased"]
    note_erasure(lake, erasure(ERASED, minutes=-5))
    finish_erasures(project, lake, now=now())
    assert [item.event for item in read_erasures(lake)] == ["finished"]


def test_one_that_was_interrupted_is_an_alert_once_a_day(project):
    lake, at = Lake(project.lake_path), now()
    note_erasure(lake, erasure(BEGUN))
    for _ in range(3):
        finish_erasures(project, lake, now=at)
    (alert,) = ALERTS.read(lake).to_dicts()
    assert "mlops forget" in alert["hint"]


def test_what_was_counted_before_a_kill_stays_counted():
    assert merge_counts({"orders": 5, "stock": 1}, {"orders": 2, "outcomes": 3}) == {
        "orders": 5,
        "outcomes": 3,
        "stock": 1,
    }


def test_facts_are_erased_with_the_rows_of_their_table_its_old_versions_and_outcomes(project):
    lake = Lake(project.lake_path)
    assert facts_erased(lake, source="orders") == {}
    first = erasure(ERASED)
    note_erasure(lake, replace(first, rows={"outcomes": 1, "stock (old versions)": 1, "predictions": 3}))
    second = erasure(ERASED, minutes=1, name="two")
    note_erasure(lake, replace(second, at=first.at + timedelta(hours=1), rows={"stock": 2}))
    found = facts_erased(lake, source="orders")
    assert found == {"orders": first.at, "stock": first.at + timedelta(hours=1), "predictions": first.at}
