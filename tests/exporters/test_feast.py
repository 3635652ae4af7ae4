"""The changes of a view: the latest one at any moment has the values of the view at that moment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.exporters.feast import list_changes, name_type
from mlops_lab.features.offline import view_values
from mlops_lab.tables.facts import read_facts

MICROSECONDS = st.integers(0, 60 * 24 * 3600 * 1_000_000).map(lambda number: timedelta(microseconds=number))


@pytest.fixture(scope="module")
def facts(tiny: Any) -> dict[str, pl.DataFrame]:
    return read_facts(tiny.project, tiny.lake)


@pytest.fixture(scope="module")
def changes(tiny: Any, facts: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    return {view.name: list_changes(view, facts[view.table]) for view in tiny.pipeline.features.views}


@given(st.data())
def test_the_latest_change_has_the_values_of_any_moment(
    tiny: Any, facts: dict[str, pl.DataFrame], changes: dict[str, pl.DataFrame], data: st.DataObject
) -> None:
    view = data.draw(st.sampled_from(tiny.pipeline.features.views))
    (key,) = view.keys
    known = changes[view.name]
    entity = data.draw(st.sampled_from(known[key].unique().sort().to_list()))
    row = data.draw(st.integers(0, known.height - 1))
    near = st.sampled_from([-1, 0, 1]).map(lambda step: known["event_timestamp"][row] + timedelta(microseconds=step))
    moment = data.draw(near | MICROSECONDS.map(lambda passed: known["event_timestamp"][0] + passed))
    earlier = known.filter(pl.col(key) == entity, pl.col("event_timestamp") <= moment)
    if earlier.is_empty():
        return
    asked = pl.DataFrame({key: [entity], "moment": [moment]}, schema_overrides={"moment": pl.Datetime("us", "UTC")})
    expected = view_values(view, asked, time="moment", facts=facts[view.table])
    assert earlier.select(expected.columns).tail(1).equals(expected)


def test_changes_are_sorted_and_different(tiny: Any, changes: dict[str, pl.DataFrame]) -> None:
    for view in tiny.pipeline.features.views:
        frame = changes[view.name]
        assert frame.columns == [*view.keys, "event_timestamp", *view.values, "created_timestamp"]
        assert frame["event_timestamp"].is_sorted()
        assert frame.select(*view.keys, "event_timestamp").is_unique().all()
        assert frame["created_timestamp"].equals(frame["event_timestamp"].alias("created_timestamp"))


@pytest.mark.parametrize(
    ("dtype", "feast"),
    [
        (pl.Boolean(), "Bool"),
        (pl.Int32(), "Int64"),
        (pl.UInt8(), "Int64"),
        (pl.Float32(), "Float64"),
        (pl.Datetime("us", "UTC"), "UnixTimestamp"),
        (pl.String(), "String"),
    ],
)
def test_types_of_feast(dtype: pl.DataType, feast: str) -> None:
    assert name_type(dtype) == feast
