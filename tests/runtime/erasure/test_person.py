"""Which records and rows are a person's, and which are not."""

from datetime import UTC, datetime

import pytest

from mlops_lab.journal.records import FactRecord, OutcomeRecord, PredictionRecord, RefusalRecord, ShadowRecord
from mlops_lab.runtime.erasure.person import Person

AT = datetime(2013, 3, 1, tzinfo=UTC)
COLUMNS = {"orders": ("customer",), "clients": ("id_of_client", "customer")}
PERSON = Person("17", COLUMNS, "orders", "order_id", frozenset({"p1"}), frozenset({"q1"}))


def prediction(name: str, **request: object) -> PredictionRecord:
    return PredictionRecord(name, AT, 1, "champion", 0.5, request, {})


@pytest.mark.parametrize(
    ("record", "is_theirs"),
    [
        (prediction("p2", customer="17"), True),
        (prediction("p2", customer=17), True),
        (prediction("p1", customer="18"), True),
        (prediction("p2", customer="170", amount="17"), False),
        (prediction("p2", customer=None), False),
        (RefusalRecord("p2", AT, 1, "view", "why", {"customer": "17"}), True),
        (ShadowRecord("p1", AT, 1, 0.5), True),
        (ShadowRecord("p2", AT, 1, 0.5), False),
        (OutcomeRecord("p2", AT, "accepted", {}, prediction("p2", customer="17")), True),
        (OutcomeRecord("p1", AT, "unknown", {}, None), True),
        (OutcomeRecord("p2", AT, "unknown", {}, None), False),
        (FactRecord("clients", {"id_of_client": 17}), True),
        (FactRecord("orders", {"order_id": "p1", "customer": None}), True),
        (FactRecord("weather", {"customer": "17"}), False),
    ],
)
def test_a_record_is_known_by_the_key_or_by_an_id(record, is_theirs):
    assert PERSON.has_record(record) is is_theirs


@pytest.mark.parametrize(
    ("table", "text", "is_theirs"),
    [
        ("orders", '{"customer": "17", "amount": -1}', True),
        ("orders", '{"customer": 17}', True),
        ("orders", '{"customer": "18", "amount": 17}', False),
        ("outcomes", '{"id": "p1", "late": 3}', True),
        ("outcomes", '{"id": "p2", "late": 17}', False),
        ("journal", "what was damaged: 17", True),
        ("predictions", '{"request": {"customer": "17"}}', True),
        ("predictions", '{"request": {"customer": "18"}}', False),
        ("journal", "[1, 2]", False),
    ],
)
def test_a_row_in_quarantine_is_known_by_its_fields_or_where_it_has_none_by_its_text(table, text, is_theirs):
    assert PERSON.has_text(table, text) is is_theirs


@pytest.mark.parametrize(
    ("table", "columns", "id_column", "ids"),
    [
        ("orders", ("customer",), "order_id", {"p1"}),
        ("clients", ("id_of_client", "customer"), "id", set()),
        ("shadows", (), "id", {"p1"}),
        ("quarantine", (), "id", {"q1"}),
    ],
)
def test_rows_of_a_table_are_known_by_its_columns(table, columns, id_column, ids):
    match = PERSON.match(table)
    assert (match.columns, match.id_column, set(match.ids)) == (columns, id_column, ids)


@pytest.mark.parametrize(
    ("place", "is_named"),
    [
        ("view customer, customer=17, 2013-03-01, prediction p9", True),
        ("view customer, customer=170, 2013-03-01, prediction p9", False),
        ("view customer, customer=1, 2013-03-01, prediction p1", True),
        ("2013-03-17, prediction p17", False),
    ],
)
def test_an_alert_is_known_by_the_place_that_it_names(place, is_named):
    assert PERSON.is_named(place) is is_named
