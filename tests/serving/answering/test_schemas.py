"""Schemas: what a project's server decodes, field by field as mlops.toml declares it."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from mlops_lab.errors import NotFound
from mlops_lab.serving.answering.schemas import Schemas

AT = datetime(2013, 3, 1, tzinfo=UTC)


@pytest.fixture
def schemas(write_project, tmp_path) -> Schemas:
    return Schemas(write_project(tmp_path))


def test_a_request_has_the_declared_fields_and_an_id(schemas):
    assert schemas.names == ["asked_at", "customer", "shop", "amount", "express"]
    body = b'{"asked_at": "2013-03-01T00:00:00Z", "shop": "a", "express": true, "id": "x"}'
    request = msgspec.json.decode(body, type=schemas.request)
    assert msgspec.structs.asdict(request) == {
        "asked_at": AT,
        "customer": None,
        "shop": "a",
        "amount": None,
        "express": True,
        "id": "x",
    }


@pytest.mark.parametrize(
    "body",
    [
        b'{"asked_at": "2013-03-01T00:00:00Z", "express": true}',
        b'{"asked_at": "2013-03-01T00:00:00Z", "shop": null, "express": true}',
        b'{"asked_at": "2013-03-01T00:00:00Z", "shop": "a", "express": "yes"}',
        b'{"asked_at": "2013-03-01T00:00:00Z", "shop": "a", "express": true, "colour": "red"}',
    ],
)
def test_a_request_that_breaks_its_types_is_refused(schemas, body):
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=schemas.request)


def test_an_outcome_has_an_id_and_the_declared_fields(schemas):
    assert schemas.outcome_names == ["late", "minutes"]
    body = b'{"id": "x", "known_at": "2013-03-01T00:00:00Z", "late": true, "minutes": null}'
    outcome = msgspec.json.decode(body, type=schemas.outcome)
    assert (outcome.id, outcome.known_at, outcome.late, outcome.minutes) == ("x", AT, True, None)


def test_rows_have_a_type_by_table(schemas):
    row = msgspec.convert({"shop": "a", "known_at": AT, "items": 3.0}, schemas.row_type("stock"))
    assert (row.shop, row.known_at, row.items) == ("a", AT, 3.0)


def test_a_table_that_does_not_exist_names_those_that_do(schemas):
    with pytest.raises(NotFound) as caught:
        schemas.row_type("stocks")
    assert caught.value.code == "unknown_table"
    assert caught.value.where == "/v1/tables/stocks/rows"
    assert caught.value.hint.endswith(": orders, stock")


def test_a_row_of_the_source_is_a_request_with_its_outcome(schemas):
    row = {"order_id": "a", "asked_at": AT, "shop": "x", "express": True, "known_at": AT, "late": True}
    read = msgspec.structs.asdict(msgspec.convert(row, schemas.row_type("orders")))
    assert read == {**row, "customer": None, "amount": None, "minutes": None}
    assert schemas.identity("orders", read) == ("a",)


def test_a_source_whose_ids_are_positions_in_its_file_takes_no_rows(write_project, tmp_path):
    schemas = Schemas(write_project(tmp_path, ('id = "order_id"\n', "")))
    assert list(schemas.rows) == list(schemas.row_fields) == ["stock"]


def test_a_fact_is_identified_by_its_key_and_moment(schemas):
    row = {"shop": "a", "known_at": AT, "items": 3.0}
    assert schemas.identity("stock", row) == ("a", AT)
    assert schemas.identity("stock", {**row, "items": None}) == schemas.identity("stock", row)
    assert schemas.identity("stock", {**row, "shop": "b"}) != schemas.identity("stock", row)


def test_without_a_moment_the_key_alone_identifies_a_fact(write_project, tmp_path):
    schemas = Schemas(write_project(tmp_path, ('key = ["shop"]\nknown_at = "known_at"', 'key = ["shop"]')))
    assert schemas.identity("stock", {"shop": "a", "known_at": AT, "items": 3.0}) == ("a",)


def test_a_request_timed_by_arrival_may_leave_its_time_out(write_project, tmp_path):
    project = write_project(tmp_path, ('asked_at = "datetime"\n', ""), ('clock = "data"', 'clock = "wall"'))
    assert project.timed_by_arrival
    schemas = Schemas(project)
    assert schemas.names[-1] == "asked_at"
    assert msgspec.json.decode(b'{"shop": "a", "express": true}', type=schemas.request).asked_at is None
