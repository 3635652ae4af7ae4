"""The latest fact at each index, by its definition."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.features.latest import latest_facts
from mlops_lab.features.retractions import has_retractions
from mlops_lab.features.sorted_facts import SortedFacts

facts = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.integers(0, 5),
        st.integers(0, 4),
        st.none() | st.integers(1, 5),  # how long after it was seen it is retracted
    ),
    max_size=12,
)


def sort(drawn):
    rows = []
    for number, (key, known, late, until) in enumerate(drawn):
        rows.append((key, known, known + late, str(number), 1))
        if until is not None:
            rows.append((key, known, known + late + until, str(number), -1))
    schema = {"key": pl.String, "_known_at": pl.Int64, "_seen_at": pl.Int64, "_fact_id": pl.String, "_weight": pl.Int8}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return SortedFacts(frame if has_retractions(frame) else frame.drop("_weight"), ["key"])


@given(facts)
def test_the_latest_fact_that_counts_after_the_last_fact_of_each_moment(drawn):
    sorted_facts = sort(drawn)
    latest = latest_facts(sorted_facts)
    rows = sorted_facts.facts.select("key", "_seen_at").rows()
    order = [rows[row] for row in sorted_facts.seen.rows]
    for index, (key, seen) in enumerate(order):
        if order[index + 1 : index + 2] == [(key, seen)]:
            continue  # all facts of one moment are seen together
        counting = [
            (known, str(number))
            for number, (other, known, late, until) in enumerate(drawn)
            if other == key and known + late <= seen and (until is None or known + late + until > seen)
        ]
        found = None if latest[index] < 0 else sorted_facts.facts["_known_at", "_fact_id"].row(int(latest[index]))
        assert found == max(counting, default=None)


def test_there_may_be_no_facts():
    assert latest_facts(sort([])).tolist() == []
