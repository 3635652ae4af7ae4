"""Which facts count, by the pairing of each retraction with the earliest equal fact."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.features.online import ALWAYS, Fact
from mlops_lab.features.retractions import (
    NEVER,
    has_retractions,
    in_order,
    latest_fact,
    live_facts,
    retraction_moments,
    row_of,
)

A = Fact(1, 1, "a", (1.0, None))
B = Fact(4, 1, "a", (2.0, None))
HISTORY = [A, A._replace(seen=4, weight=-1), B, B._replace(seen=6, weight=-1), A._replace(seen=6)]
"""Corrected at 4, and back at 6."""

histories = st.lists(
    st.tuples(
        st.integers(0, 3),  # the moment at which it was known
        st.lists(st.tuples(st.integers(1, 3), st.sampled_from([None, 0.5, 1.0])), min_size=1, max_size=5, unique=True),
    ),
    max_size=5,
)


def rows_of(drawn):
    """Facts and retractions; each version is seen some time after the one before."""
    rows = []
    for number, (known, versions) in enumerate(drawn):
        seen, before = known, None
        for later, value in versions:
            seen += later
            if before is not None:
                rows.append(before._replace(seen=seen, weight=-1))
            before = Fact(seen, known, str(number), (value,))
            rows.append(before)
    return rows


def as_frame(facts):
    schema = {"_seen_at": pl.Int64, "_known_at": pl.Int64, "_fact_id": pl.String, "value": pl.Float64}
    rows = [(fact.seen, fact.known, fact.id, fact.values[0], fact.weight) for fact in facts]
    return pl.DataFrame(rows, schema={**schema, "_weight": pl.Int8}, orient="row")


def test_a_fact_counts_until_it_is_retracted():
    live = [live_facts([fact for fact in HISTORY if fact.seen <= seen]) for seen in (1, 4, 6)]
    assert live == [[A], [B], [A._replace(seen=6)]]
    assert latest_fact(HISTORY[:2]) is None
    assert latest_fact([*HISTORY[:2], Fact(0, 0, "z", (3.0, None))]) == Fact(0, 0, "z", (3.0, None))


def test_facts_without_retractions_are_returned_as_they_are():
    facts = [A, B]
    assert live_facts(facts) is facts
    assert latest_fact(facts) == B, "of one id, the one seen last"


def test_a_fact_and_its_retraction_have_the_same_row():
    assert row_of(A) == row_of(A._replace(seen=9, weight=-1)) != row_of(B)
    assert in_order(A) < in_order(A._replace(seen=2)) < in_order(A._replace(seen=0, id="b"))


def test_a_frame_has_retractions_if_a_weight_is_negative():
    frame = as_frame(HISTORY)
    assert has_retractions(frame)
    assert not has_retractions(frame.drop("_weight"))
    assert not has_retractions(frame.with_columns(_weight=pl.lit(None, pl.Int8)))
    assert not has_retractions(frame.filter(pl.col("_weight") > 0))


def test_moments_of_retractions_by_example():
    assert retraction_moments(as_frame(HISTORY)).tolist() == [4, ALWAYS, 6, ALWAYS, NEVER]


@given(histories, st.randoms(use_true_random=False))
def test_one_fact_and_many_facts_agree(drawn, random):
    """What counts by the moments of retractions is what counts by the facts seen before."""
    facts = rows_of(drawn)
    random.shuffle(facts)
    moments = retraction_moments(as_frame(facts)).tolist()
    for at in range(20):
        by_moments = [fact for fact, moment in zip(facts, moments, strict=True) if fact.seen < at <= moment]
        assert sorted(live_facts([fact for fact in facts if fact.seen < at]), key=str) == sorted(by_moments, key=str)
        assert len(by_moments) == sum(known + versions[0][0] < at for known, versions in drawn), "one of each fact"
