"""A predictor: what it answers to one request is what training would have computed for it."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slow import examples

from mlops_lab.features.memory import MemoryStore
from mlops_lab.features.offline import compute
from mlops_lab.features.online import make_fact_row
from mlops_lab.inference.feature_reader import FeatureReader
from mlops_lab.inference.predictor import has_no_number, views_of
from mlops_lab.tables.facts import read_facts


@pytest.fixture(scope="module")
def facts(tiny):
    return read_facts(tiny.project, tiny.lake)


@pytest.fixture(scope="module")
def reader(tiny, facts) -> FeatureReader:
    """The feature reader of a server that got all facts, the newest first."""
    store = MemoryStore(views_of([tiny.predictor]).values())
    for table, rows in facts.items():
        for row in rows.reverse().iter_rows(named=True):
            store.add(table, [make_fact_row(row, row["_known_at"], row["_seen_at"], row["_fact_id"])])
    return FeatureReader(tiny.predictor, store)


def same(one, other) -> bool:
    return all(a == b or (a != a and b != b) for a, b in zip(one, other, strict=True))


def test_what_is_served_is_what_was_trained_on_cell_by_cell(tiny, reader):
    """Every held-out request of the small project: its features by the server's way and by the training set's."""
    asked = tiny.training.holdout.select(list(tiny.plan.request)).to_dicts()
    expected = tiny.training.holdout_inputs.rows()
    for size in (1, 7, 64):
        served = [
            row.values for start in range(0, len(asked), size) for row in reader.read(asked[start : start + size])
        ]
        assert all(same(one, other) for one, other in zip(served, expected, strict=True))


@examples(30)
@given(st.data())
def test_any_request_is_served_as_it_would_be_trained_on(tiny, reader, facts, data):
    orders = tiny.training.holdout
    known = orders["known_at"].sample(5, seed=1).to_list()  # the very moments at which something becomes known
    request = st.fixed_dictionaries(
        {
            "asked_at": st.sampled_from(known) | st.sampled_from(orders["asked_at"].to_list()),
            "customer": st.none() | st.sampled_from(["c1", "c50", "nobody"]),
            "shop": st.sampled_from(["a", "b", "c", "new"]),
            "amount": st.none() | st.floats(-1e6, 1e6),
            "express": st.booleans(),
        }
    )
    asked = data.draw(st.lists(request, min_size=1, max_size=4))
    frame = pl.DataFrame(asked, schema=tiny.predictor.request_schema)
    inputs = compute(tiny.predictor.features, frame, time="asked_at", facts=facts)
    served = [row.values for row in reader.read(asked)]
    assert all(same(one, other) for one, other in zip(served, inputs.rows(), strict=True))
    assert tiny.predictor.score_rows(served) == tiny.predictor.score(inputs).to_list()


def test_rows_and_frames_get_the_same_answers(tiny):
    inputs = tiny.training.holdout_inputs
    answers = tiny.predictor.score(inputs)
    rows = inputs.rows()
    for size in (1, 7, 8, 16, 64, len(rows)):  # lists of them and matrices, however an engine changes over
        parts = [tiny.predictor.score_rows(rows[start : start + size]) for start in range(0, len(rows), size)]
        assert [output for part in parts for output in part] == answers.to_list()
    assert answers.is_between(0, 1).all()
    assert np.ptp(answers.to_numpy()) > 0.2


@pytest.mark.parametrize(
    ("output", "expected"),
    [(0.5, False), (float("nan"), True), (float("inf"), False), ([0.25, 0.75], False), ([0.25, float("nan")], True)],
)
def test_an_output_with_nan_has_no_number(output, expected):
    assert has_no_number(output) is expected


def test_views_are_listed_once_over_all_versions(tiny):
    views = views_of([tiny.predictor, tiny.predictor])
    assert sorted(view.name for view in views.values()) == ["customer", "shop_1d", "stock"]
    assert all(version == view.version for version, view in views.items())
    assert views_of([]) == {}
