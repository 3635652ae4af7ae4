"""The fields that a project declares."""

from pathlib import Path

from mlops_lab.tables.fields import (
    outcome_fields,
    request_fields,
    row_keys,
    source_fields,
    submitted_fields,
    table_fields,
    table_schemas,
)
from mlops_lab.tables.table import MOMENT


def names(fields) -> list[str]:
    return [field.name for field in fields]


def test_fields_are_those_of_the_declaration(tiny):
    request = ["asked_at", "customer", "shop", "amount", "express"]
    assert names(request_fields(tiny.project)) == request
    assert names(outcome_fields(tiny.project)) == ["late", "minutes"]
    assert names(source_fields(tiny.project)) == ["order_id", *request, "known_at", "late", "minutes"]
    assert list(table_fields(tiny.project)) == ["orders", "stock"]
    assert table_schemas(tiny.project)["stock"]["known_at"] == MOMENT


def test_rows_are_identified_by_an_id_or_by_key_and_moment(tiny, write_project, tmp_path: Path):
    assert row_keys(tiny.project) == {"orders": ["order_id"], "stock": ["shop", "known_at"]}
    no_id = ('id = "order_id"\n', "")
    no_moment = ('key = ["shop"]\nknown_at = "known_at"', 'key = ["shop"]')
    assert row_keys(write_project(tmp_path, no_id, no_moment)) == {"stock": ["shop"]}


def test_where_requests_are_timed_by_arrival_their_moment_comes_first(write_project, tmp_path: Path):
    project = write_project(
        tmp_path, ('time = "asked_at"\n', ""), ('asked_at = "datetime"\n', ""), ('clock = "data"\n', "")
    )
    first = request_fields(project)[0]
    assert project.timed_by_arrival
    assert (first.name, first.kind, first.nullable) == (project.settings.source.time, "datetime", False)


def test_the_moment_of_an_outcome_is_required_only_on_the_clock_of_the_data(tiny, write_project, tmp_path: Path):
    assert names(submitted_fields(tiny.project)) == ["id", "known_at", "late", "minutes"]
    assert not submitted_fields(tiny.project)[1].nullable
    wall = write_project(tmp_path, ('clock = "data"', 'clock = "wall"'))
    assert submitted_fields(wall)[1].nullable
