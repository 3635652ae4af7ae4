"""Journals with one record of each kind, for the tests of intake."""

from datetime import UTC, datetime

from mlops_lab.journal.records import (
    FactRecord,
    OutcomeRecord,
    PredictionRecord,
    RefusalRecord,
    SetAsideRecord,
    ShadowRecord,
    encode_frame,
)
from mlops_lab.journal.workers import worker_path
from mlops_lab.journal.writer import Journal
from mlops_lab.lake import Lake

AT = datetime(2013, 3, 1, 5, tzinfo=UTC)
REQUEST = {"asked_at": AT, "customer": None, "shop": "a", "amount": 2.5, "express": True}


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
