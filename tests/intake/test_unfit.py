"""Records that cannot be rows are set aside with all that they hold, and the others go on."""

import base64
import json
from datetime import UTC, datetime

import msgspec
import polars as pl
import pytest

from mlops_lab.intake.journal import ingest_journal
from mlops_lab.intake.unfit import JOURNAL, has_table, make_rows
from mlops_lab.journal.records import FactRecord, OutcomeRecord, PredictionRecord, ShadowRecord, encode_frame
from mlops_lab.journal.writer import Journal
from mlops_lab.tables.declared import QUARANTINE
from mlops_lab.tables.open_lake import open_lake

AT = datetime(2013, 3, 1, 5, tzinfo=UTC)
REQUEST = {"asked_at": AT, "customer": None, "shop": "a", "amount": 2.5, "express": True}


def predict(name: str, **changes) -> PredictionRecord:
    parts = {"version": 1, "role": "champion", "output": 0.25, "request": REQUEST, "features": {"hour": 3.0}}
    return PredictionRecord(id=name, at=AT, **(parts | changes))


def stock(**changes) -> FactRecord:
    return FactRecord("stock", {"shop": "a", "known_at": AT, "items": 1.0} | changes)


GOOD = [
    predict("good"),
    ShadowRecord("good", AT, 2, 0.5),
    OutcomeRecord("good", AT, "accepted", {"late": True, "minutes": 20.0}, predict("good")),
    stock(),
]
UNREADABLE = {
    "no record": b"\x93not a record",
    "of another version": msgspec.msgpack.encode(([], [{"type": "p2", "id": "x"}])),
    "values without names": encode_frame([predict("x", features=(1.0, 2.0))], ["hour"]),
    "features that are none": encode_frame([predict("x", features=7)]),
}
UNFIT = {
    "a value that no column holds": ("predictions", predict("x", request=REQUEST | {"shop": {"a": 1}})),
    "a number that is too large": ("predictions", predict("x", request=REQUEST | {"n": 2**64 - 1})),
    "the answer of another task": ("predictions", predict("x", output=[0.5, 0.5])),
    "the shadow of another task": ("shadows", ShadowRecord("x", AT, 2, [0.5, 0.5])),
    "a moment that is none": ("stock", stock(known_at="yesterday")),
    "a row without its key": ("stock", stock(shop=None)),
    "a list of lists": ("stock", stock(items=[[1.0], ["a"]])),
    "a table of the loop": (JOURNAL, FactRecord("decisions", {"number": 1})),
    "a table outside of the lake": (JOURNAL, FactRecord("../../outside", {"number": 1})),
}


def ingest(small, *frames: bytes):
    """Move these frames into the lake, which holds good records already; the rows of the quarantine."""
    journal = Journal(small.project.journal_path)
    journal.append([encode_frame(GOOD)])
    ingest_journal(small.project, small.lake)
    position = journal.append([*frames, encode_frame([predict("last"), stock(shop="b")])])
    journal.close()
    lake = open_lake(small.project)
    assert ingest_journal(small.project, lake) == (position,)
    assert sorted(lake.read("predictions")["id"]) == ["good", "last"]
    assert sorted(lake.read("stock")["shop"]) == ["a", "b"]
    assert lake.read("predictions").schema["output"] == pl.Float64
    assert lake.read("stock").schema["known_at"] == pl.Datetime("us", "UTC")
    return QUARANTINE.read(lake)


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_frame_that_cannot_be_read_is_set_aside_with_its_bytes(small, name):
    (row,) = ingest(small, UNREADABLE[name]).iter_rows(named=True)
    assert (row["table"], row["rule"]) == (JOURNAL, "unreadable")
    assert base64.b64decode(json.loads(row["row"])["frame"]) == UNREADABLE[name]


@pytest.mark.parametrize("name", UNFIT)
def test_a_record_that_fits_no_row_is_set_aside_alone(small, name):
    table, record = UNFIT[name]
    (row,) = ingest(small, encode_frame([record])).iter_rows(named=True)
    assert (row["table"], row["rule"]) == (table, "unfit")
    content = record.row if isinstance(record, FactRecord) else record
    assert json.loads(row["row"]) == json.loads(msgspec.json.encode(content))


def test_an_intake_that_is_repeated_sets_nothing_aside_twice(small):
    assert ingest(small, UNREADABLE["no record"]).height == 1
    journal = Journal(small.project.journal_path)
    journal.append([UNREADABLE["of another version"]])
    journal.close()
    for _ in range(2):
        ingest_journal(small.project, open_lake(small.project))
    assert QUARANTINE.read(small.lake).height == 2


def test_rows_of_a_table_that_is_not_declared_any_more_have_a_table(small):
    assert has_table(small.project, FactRecord("prices", {}))
    assert has_table(small.project, FactRecord("orders", {}))
    assert not has_table(small.project, FactRecord("outcomes", {}))


def test_what_is_wrong_with_all_items_together_is_not_hidden():
    def to_frame(items: list) -> pl.DataFrame:
        if len(items) > 1:
            raise ValueError("too many")
        return pl.DataFrame({"a": items})

    with pytest.raises(ValueError, match="too many"):
        make_rows([1, 2], to_frame, types={})
