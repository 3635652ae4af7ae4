"""Facts: labelled requests of the source table and of the outcomes, and rows of other tables."""

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from mlops_lab.errors import Conflict
from mlops_lab.lake import Lake
from mlops_lab.tables.declared import OUTCOMES
from mlops_lab.tables.facts import facts_of, read_columns_of_facts, read_facts, read_labelled

HOUR = timedelta(hours=1)


@pytest.fixture
def lake(tiny, tmp_path: Path) -> Lake:
    """A lake with the first ten orders, all of the stock, and two outcomes that were submitted later."""
    lake = Lake(tmp_path)
    lake.append("orders", tiny.lake.read("orders").head(10))
    lake.append("stock", tiny.lake.read("stock").head(6))
    outcome = {
        "known_at": tiny.now,
        "predicted_at": tiny.now - HOUR,
        "asked_at": tiny.now - HOUR,
        "shop": "a",
        "express": True,
        "late": True,
    }
    rows = [
        {**outcome, "id": "new", "verdict": "accepted", "received_at": tiny.now + HOUR},
        {**outcome, "id": "stranger", "verdict": "unknown"},
    ]
    OUTCOMES.append(lake, pl.DataFrame(rows, schema=OUTCOMES.schema(tiny.project)))
    return lake


def test_labelled_requests_are_the_past_and_the_accepted_outcomes_by_time(tiny, lake: Lake):
    labelled = read_labelled(tiny.project, lake)
    assert labelled["_fact_id"].to_list() == [*(f"o{number:05}" for number in range(10)), "new"]
    assert labelled["asked_at"].is_sorted()
    assert labelled["known_at"].equals(labelled["_known_at"], check_names=False)


def test_a_fact_is_visible_when_it_was_known_and_had_arrived(tiny, lake: Lake):
    last = read_labelled(tiny.project, lake).row(-1, named=True)
    assert (last["_known_at"], last["_seen_at"]) == (tiny.now, tiny.now + HOUR)
    first = read_labelled(tiny.project, lake).row(0, named=True)
    assert first["_seen_at"] == first["_known_at"]


def test_facts_of_other_tables_are_identified_by_their_key(tiny, lake: Lake):
    facts = read_facts(tiny.project, lake)
    assert list(facts) == ["orders", "stock"]
    assert facts["stock"]["_fact_id"].to_list() == ["a", "b", "c", "a", "b", "c"]
    assert {"shop", "items", "known_at"} <= set(facts["stock"].columns)


def test_some_columns_are_read_alone(tiny, lake: Lake):
    facts = read_columns_of_facts(tiny.project, lake, {"orders": ["shop"], "stock": ["items"]})
    always = ["_fact_id", "_known_at", "_seen_at"]
    assert facts["orders"].columns == [*always, "shop"]
    assert facts["orders"].height == 11
    assert facts["stock"].columns == [*always, "items"]
    everything = read_facts(tiny.project, lake)["orders"]
    assert facts["orders"].sort("_fact_id").equals(everything.select(facts["orders"].columns).sort("_fact_id"))


def test_a_table_without_moments_is_always_visible(write_project, tmp_path: Path):
    project = write_project(tmp_path, ('key = ["shop"]\nknown_at = "known_at"\n', 'key = ["shop"]\n'))
    rows = pl.DataFrame(
        {"shop": ["a"], "known_at": [None], "items": [1.0]}, schema_overrides={"known_at": pl.Datetime("us", "UTC")}
    )
    fact = facts_of(project, "stock", rows).row(0, named=True)
    assert (fact["_known_at"], fact["_seen_at"]) == (None, None)


def test_a_table_that_was_not_loaded_yet_has_no_facts(tiny, tmp_path: Path):
    lake = Lake(tmp_path)
    facts = read_facts(tiny.project, lake)
    assert {table: rows.height for table, rows in facts.items()} == {"orders": 0, "stock": 0}
    assert facts["stock"].schema["items"] == pl.Float64
    assert read_columns_of_facts(tiny.project, lake, {"stock": ["items"]})["stock"].is_empty()


def test_rows_without_the_column_that_identifies_them_by_now_are_an_error(write_project, tiny, tmp_path: Path):
    project = write_project(tmp_path, ('id = "order_id"', 'id = "number"'))
    with pytest.raises(Conflict, match='no column "number"'):
        read_labelled(project, tiny.lake)
