"""The journal comes into the lake, each record once, whatever was written before a kill."""

from datetime import UTC, datetime

import pytest

from mlops_lab.intake.journal import ingest_journal
from mlops_lab.journal.records import (
    FactRecord,
    OutcomeRecord,
    PredictionRecord,
    RefusalRecord,
    SetAsideRecord,
    ShadowRecord,
    encode_frame,
)
from mlops_lab.journal.workers import read_positions, worker_path
from mlops_lab.journal.writer import Journal
from mlops_lab.lake import Lake

AT = datetime(2013, 3, 1, 5, tzinfo=UTC)
REQUEST = {"asked_at": AT, "customer": None, "shop": "a", "amount": 2.5, "express": True}
TABLES = ["outcomes", "predictions", "quarantine", "refusals", "shadows", "stock"]


def records_of(name: str) -> list:
    """One record of each kind."""
    prediction = PredictionRecord(name, AT, 1, "champion", 0.25, REQUEST, {"hour": 3.0})
    return [
        prediction,
        ShadowRecord(name, AT, 2, 0.5),
        RefusalRecord(f"{name} refused", AT, 1, "stock", "unknown", REQUEST),
        OutcomeRecord(name, AT, "accepted", {"late": True, "minutes": 20.0}, prediction),
        FactRecord("stock", {"shop": "a", "known_at": AT, "items": 1.0}),
        SetAsideRecord(AT, "stock", "range", "items", "min 0", f'{{"shop": "{name}"}}'),
    ]


def write(project, *names: str, worker: int = 0) -> None:
    """A frame for each name, in the journal of a worker."""
    journal = Journal(worker_path(project.journal_path, worker))
    journal.append([encode_frame(records_of(name)) for name in names])
    journal.sync()
    journal.close()


def ids(lake: Lake, table: str = "predictions") -> list[str]:
    return sorted(lake.read(table)["id"]) if lake.exists(table) else []


def test_each_kind_of_record_has_its_table(small):
    write(small.project, "a", "b")
    (position,) = ingest_journal(small.project, small.lake)
    assert small.lake.tables() == TABLES
    assert {table: small.lake.read(table).height for table in TABLES} == dict.fromkeys(TABLES, 2)
    assert read_positions(small.project.positions_path) == (position,)
    assert small.lake.read("predictions")["hour"].to_list() == [3.0, 3.0]


def test_what_is_in_the_lake_is_not_read_again(small):
    write(small.project, "a")
    first = ingest_journal(small.project, small.lake)
    versions = [small.lake.version(table) for table in TABLES]
    assert ingest_journal(small.project, Lake(small.lake.path)) == first
    assert [small.lake.version(table) for table in TABLES] == versions
    write(small.project, "b")
    assert ingest_journal(small.project, small.lake) > first
    assert ids(small.lake) == ["a", "b"]


def test_each_worker_has_a_position_of_its_own(small):
    write(small.project, "a")
    write(small.project, "b", "c", worker=1)
    first, second = ingest_journal(small.project, small.lake)
    assert 0 < first < second
    write(small.project, "d", worker=1)
    assert ingest_journal(small.project, small.lake)[0] == first
    assert ids(small.lake) == ["a", "b", "c", "d"]


def test_an_empty_journal_writes_no_table(small):
    assert ingest_journal(small.project, small.lake) == (0,)
    assert small.lake.tables() == []


@pytest.mark.parametrize("failing", TABLES)
def test_a_run_that_fails_between_two_tables_is_repeated_without_doubles(small, monkeypatch, failing: str):
    """The tables before the failure have their rows and their position; the others get theirs the next time."""
    write(small.project, "a", "b")
    append = Lake.append

    def fail(self: Lake, name: str, rows, **options):
        if name == failing:
            raise RuntimeError("killed")
        return append(self, name, rows, **options)

    with monkeypatch.context() as broken:
        broken.setattr(Lake, "append", fail)
        with pytest.raises(RuntimeError, match="killed"):
            ingest_journal(small.project, small.lake)
    assert not small.lake.exists(failing)
    ingest_journal(small.project, small.lake)
    assert {table: small.lake.read(table).height for table in TABLES} == dict.fromkeys(TABLES, 2)
