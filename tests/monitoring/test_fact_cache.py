"""Facts: what was added is read, what is damaged is left out, what is gone is null."""

import polars as pl
import pytest

from mlops_lab.lake import Lake
from mlops_lab.monitoring.fact_cache import FactCache, complete_columns
from mlops_lab.tables.declared import OUTCOMES


@pytest.fixture
def lake(tiny, tmp_path) -> Lake:
    lake = Lake(tmp_path)
    lake.append("orders", tiny.lake.read("orders"))
    stock = tiny.lake.read("stock").sort("known_at")
    lake.append("stock", stock.head(10))
    lake.append("stock", stock[10:30])
    return lake


def outcome(tiny, name: str) -> pl.DataFrame:
    row = {"id": name, "known_at": tiny.now, "verdict": "accepted", "late": True, "shop": "a", "express": True}
    return pl.DataFrame([row], schema=OUTCOMES.schema(tiny.project))


def test_what_was_added_is_read_and_outcomes_are_facts_of_the_source(tiny, lake):
    cache = FactCache(tiny.project, lake)
    before = cache.read()["orders"].height
    OUTCOMES.append(lake, outcome(tiny, "new"))
    lake.append("stock", tiny.lake.read("stock").head(1))
    facts = cache.read()
    assert facts["orders"].height == before + 1
    assert facts["stock"].height == 31


def test_a_damaged_file_is_left_out_until_it_is_back(tiny, lake):
    cache = FactCache(tiny.project, lake)
    file = next(file for file in lake.table_path("stock").glob("*.parquet") if pl.read_parquet(file).height == 20)
    content = file.read_bytes()
    file.unlink()
    assert cache.read()["stock"].height == 10
    assert [damaged.file for damaged in cache.damaged] == [file.name]
    assert cache.read()["orders"].height == tiny.lake.read("orders").height
    file.write_bytes(content)
    assert cache.read()["stock"].height == 30
    assert cache.damaged == []


def test_a_table_that_is_gone_has_no_facts(tiny, tmp_path):
    lake = Lake(tmp_path / "other")
    lake.append("orders", tiny.lake.read("orders"))
    facts = FactCache(tiny.project, lake).read()
    assert facts["stock"].is_empty()
    assert {"_fact_id", "_known_at", "_seen_at", "shop", "items"} <= {*facts["stock"].columns}


def test_a_column_that_is_gone_is_null(tiny, tmp_path):
    lake = Lake(tmp_path / "other")
    lake.append("orders", tiny.lake.read("orders").drop("minutes"))
    assert FactCache(tiny.project, lake).read()["orders"]["minutes"].null_count() == tiny.lake.read("orders").height


def test_columns_are_completed_and_cast():
    rows = pl.DataFrame({"a": ["1", "x"], "c": [1, 2]})
    completed = complete_columns(rows, {"a": pl.Float64(), "b": pl.String()})
    assert completed.to_dict(as_series=False) == {"a": [1.0, None], "c": [1, 2], "b": [None, None]}
