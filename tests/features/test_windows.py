"""The aggregates of many windows are those of their facts."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.features import count, largest, mean, share, smallest, std, total
from mlops_lab.features.sorted_facts import SortedFacts
from mlops_lab.features.sum_terms import aggregate_value, extreme_value, terms
from mlops_lab.features.windows import WindowAggregates, Windows

AGGREGATES = [count("x"), total("x"), mean("x"), std("x"), share("x", of=1.0), smallest("x"), largest("x")]
LENGTH = 4
facts = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.integers(0, 12),
        st.sampled_from([0, 0, 0, 1, 3]),
        st.none() | st.sampled_from([1.0, -2.5, 1e17, 0.1]),
    ),
    max_size=14,
)
lookup_lists = st.lists(st.tuples(st.sampled_from(["a", "b", "z"]), st.integers(-1, 20)), min_size=1, max_size=8)


def value_of(aggregate, values):
    if aggregate.how in {"min", "max"}:
        return extreme_value(aggregate, values)
    rows = [terms(aggregate.how, value, aggregate.of) for value in (None, *values)]
    return aggregate_value(aggregate, [sum(column) for column in zip(*rows, strict=True)])


@pytest.mark.parametrize("rows_per_batch", [2, 10_000])
@given(facts, lookup_lists)
def test_every_aggregate_by_its_definition(rows_per_batch, drawn, lookups):
    rows = [(key, known, known + late, str(n), value) for n, (key, known, late, value) in enumerate(drawn)]
    schema = {"key": pl.String, "_known_at": pl.Int64, "_seen_at": pl.Int64, "_fact_id": pl.String, "x": pl.Float64}
    sorted_facts = SortedFacts(pl.DataFrame(rows, schema=schema, orient="row"), ["key"])
    requests = pl.DataFrame(lookups, schema={"field": pl.String, "at": pl.Int64}, orient="row")
    prepared = sorted_facts.prepare(requests, time="at", fields=["field"])
    last = sorted_facts.seen.last_before(prepared)
    left = sorted_facts.known.last_before(prepared, microseconds=LENGTH)
    windows = Windows(prepared, last, left, since=sorted_facts.known.first_in_window(left, last, prepared))
    aggregates = WindowAggregates(sorted_facts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mlops_lab.features.windows._ROWS_PER_BATCH", rows_per_batch)
        computed = [aggregates.prepare(aggregate)(windows).to_list() for aggregate in AGGREGATES]
    for index, (key, at) in enumerate(lookups):
        values = [
            value
            for fact_key, known, late, value in drawn
            if fact_key == key and at - LENGTH <= known and known + late < at
        ]
        assert [column[index] for column in computed] == [value_of(aggregate, values) for aggregate in AGGREGATES]
