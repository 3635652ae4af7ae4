"""Records of the journal as rows: what is null in a batch keeps its type, what was not answered stays null."""

from datetime import UTC, datetime

import polars as pl
import pytest

from mlops_lab.intake.frames import (
    fact_frame,
    outcome_frame,
    prediction_frame,
    refusal_frame,
    set_aside_frame,
    shadow_frame,
)
from mlops_lab.journal.records import (
    FactRecord,
    OutcomeRecord,
    PredictionRecord,
    RefusalRecord,
    SetAsideRecord,
    ShadowRecord,
)
from mlops_lab.tables.declared import OUTCOMES, PREDICTIONS, QUARANTINE, REFUSALS, SHADOWS
from mlops_lab.tables.fields import table_fields
from mlops_lab.tables.table import MOMENT

AT = datetime(2013, 3, 1, 5, tzinfo=UTC)
REQUEST = {"asked_at": AT, "customer": None, "shop": "a", "amount": 2.5, "express": True}


def predict(name: str, **features) -> PredictionRecord:
    return PredictionRecord(name, AT, 1, "champion", 0.25, REQUEST, features)


def test_a_prediction_is_a_row_with_its_request_and_its_features(tiny):
    record = PredictionRecord(
        "a", AT, 1, "canary", 0.25, REQUEST, {"hour": 3, "items": 2.5}, missing={"stock": "stale"}, shadow_version=2
    )
    frame = prediction_frame(tiny.project, [record], known={})
    assert frame.select(list(PREDICTIONS.schema(tiny.project))).schema == PREDICTIONS.schema(tiny.project)
    row = frame.row(0, named=True)
    assert row["missing"] == '{"stock":"stale"}'
    assert (row["role"], row["output"], row["shadow_version"]) == ("canary", 0.25, 2)
    assert (row["shop"], row["amount"], row["hour"], row["items"]) == ("a", 2.5, 3.0, 2.5)


def test_a_prediction_that_missed_nothing_says_nothing(tiny):
    assert prediction_frame(tiny.project, [predict("a")], known={})["missing"].to_list() == [None]


def test_features_get_the_type_of_their_values(tiny):
    records = [
        predict("a", text=None, moment=None, flag=None, number=None),
        predict("b", text="x", moment=AT, flag=True, number=1),
    ]
    schema = prediction_frame(tiny.project, records, known={}).schema
    expected = {"text": pl.String, "moment": MOMENT, "flag": pl.Boolean, "number": pl.Float64}
    assert {name: schema[name] for name in expected} == expected


def test_a_feature_that_is_null_in_the_whole_batch_keeps_the_type_of_the_table(tiny):
    frame = prediction_frame(tiny.project, [predict("a", text=None)], known={"text": pl.String()})
    assert frame.schema["text"] == pl.String
    assert prediction_frame(tiny.project, [predict("a", text=None)], known={}).schema["text"] == pl.Float64


def test_a_feature_that_some_records_lack_is_null_there(tiny):
    frame = prediction_frame(tiny.project, [predict("a", x=1.0), predict("b", y=2.0)], known={})
    assert frame["x"].to_list() == [1.0, None]
    assert frame["y"].to_list() == [None, 2.0]


def test_a_field_that_is_declared_later_does_not_take_the_column_of_a_feature(write_project, tmp_path):
    project = write_project(tmp_path, ('amount = "float?"', 'amount = "float?"\nitems = "string?"'))
    frame = prediction_frame(project, [predict("a", items=2.5)], known={"items": pl.Float64()})
    assert frame["items"].to_list() == [2.5]
    assert "feature:items" not in frame.columns


def test_an_older_record_may_name_a_feature_as_one_of_its_fields(tiny):
    frame = prediction_frame(tiny.project, [predict("a", amount=7.0, role=1.0)], known={})
    assert (frame["amount"].item(), frame["feature:amount"].item()) == (2.5, 7.0)
    assert (frame["role"].item(), frame["feature:role"].item()) == ("champion", 1.0)


def test_an_outcome_carries_its_prediction_where_it_was_accepted(tiny):
    accepted = OutcomeRecord("a", AT, "accepted", {"late": True, "minutes": None}, predict("a"))
    unknown = OutcomeRecord("b", AT, "unknown", {"late": False, "minutes": 3.0}, None, AT)
    frame = outcome_frame(tiny.project, [accepted, unknown])
    assert dict(frame.schema) == OUTCOMES.schema(tiny.project)
    first, second = frame.rows(named=True)
    assert (first["late"], first["output"], first["shop"], first["predicted_at"]) == (True, 0.25, "a", AT)
    assert (second["late"], second["output"], second["shop"], second["predicted_at"]) == (False, None, None, None)
    assert (first["received_at"], second["received_at"]) == (None, AT)


def test_shadows_and_refusals_are_rows(tiny):
    shadows = shadow_frame(tiny.project, [ShadowRecord("a", AT, 2, 0.5)])
    assert dict(shadows.schema) == SHADOWS.schema(tiny.project)
    assert shadows.row(0) == ("a", AT, 2, 0.5)
    refusals = refusal_frame(tiny.project, [RefusalRecord("b", AT, 1, "stock", "unknown", REQUEST)])
    assert dict(refusals.schema) == REFUSALS.schema(tiny.project)
    assert refusals.row(0, named=True)["shop"] == "a"


def test_rows_set_aside_are_identified_by_table_and_content():
    records = [
        SetAsideRecord(AT, table, "range", "amount", "min 0", row)
        for table, row in (("s", "{}"), ("s", "{}"), ("t", "{}"))
    ]
    frame = set_aside_frame(records)
    assert dict(frame.schema) == QUARANTINE.fixed_schema
    first, same, other = frame["id"]
    assert first == same != other
    assert set(frame["event"]) == {"set_aside"}


@pytest.mark.parametrize(("late", "corrected"), [(None, None), (AT, None), (AT, AT)])
def test_facts_say_how_they_arrived(tiny, late: datetime | None, corrected: datetime | None):
    fields = table_fields(tiny.project)["stock"]
    records = [
        FactRecord("stock", {"shop": "a", "known_at": AT, "items": 1.0}, late, corrected),
        FactRecord("stock", {"shop": "b", "known_at": AT, "items": None}),
    ]
    frame = fact_frame(fields, records)
    assert frame["received_at"].to_list() == [late, None]
    assert frame["received_at"].dtype == pl.Datetime("us", "UTC")
    assert frame["received_as"].to_list() == ["sent" if corrected is None else "sent_correction", "sent"]
    assert frame["items"].to_list() == [1.0, None]
