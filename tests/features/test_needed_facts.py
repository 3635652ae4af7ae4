"""What is left out of some facts cannot be looked up any more, however they are gone through."""

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from mlops_lab.features import View, count, largest, last, total
from mlops_lab.features.needed_facts import needed_facts, reach_of
from mlops_lab.features.offline import view_values

DAY = timedelta(days=1)
VIEWS = [
    View("latest", "t", by="k", values={"last": last("x")}),
    View("window", "t", by="k", over="2d", values={"sum": total("x"), "count": count("x"), "most": largest("x")}),
]


def ask_from(since: datetime) -> pl.DataFrame:
    """Requests about both entities, on every day from then on."""
    asked = [(key, since + day * DAY + DAY / 2) for key in "ab" for day in range(220)]
    return pl.DataFrame(asked, schema={"k": pl.String, "at": pl.Datetime("us", "UTC")}, orient="row")


histories = st.lists(
    st.tuples(
        st.integers(0, 100),  # the day on which it was known
        st.sampled_from("ab"),
        st.lists(st.tuples(st.sampled_from([1, 2, 30, 90]), st.sampled_from("ab"), st.integers(0, 2)), max_size=3),
    ),
    min_size=1,
    max_size=8,
)
"""Facts, each with its corrections: so many days after the version before, to another key or value."""


def corrected_facts(drawn) -> pl.DataFrame:
    rows = []
    for number, (known, key, corrections) in enumerate(drawn):
        seen, value = known, 0
        rows.append((str(number), known, seen, 1, key, value))
        for days, next_key, next_value in corrections:
            seen += days
            rows.append((str(number), known, seen, -1, key, value))
            key, value = next_key, next_value
            rows.append((str(number), known, seen, 1, key, value))
    schema = {"_fact_id": pl.String, "_known_at": pl.Int64, "_seen_at": pl.Int64, "_weight": pl.Int8, "k": pl.String}
    frame = pl.DataFrame(rows, schema={**schema, "x": pl.Int64}, orient="row")
    start = pl.lit(datetime(2013, 1, 1, tzinfo=UTC), pl.Datetime("us", "UTC"))
    return frame.with_columns(
        (start + pl.duration(days=pl.col(name))).alias(name) for name in ("_known_at", "_seen_at")
    )


@given(histories)
def test_what_is_left_out_of_corrected_facts_cannot_be_looked_up_any_more(drawn):
    facts = corrected_facts(drawn)
    since = facts["_known_at"].max() - 7 * DAY
    kept = needed_facts(facts, VIEWS, since=since)
    assert kept.columns == facts.columns
    assert_frame_equal(needed_facts(facts, VIEWS, since=since, in_order=False), kept, check_row_order=False)
    assert kept.height <= needed_facts(facts, VIEWS, since=since, received_since=since - 2 * DAY).height
    requests = ask_from(since)
    for view in VIEWS:
        expected = view_values(view, requests, time="at", facts=facts)
        assert view_values(view, requests, time="at", facts=kept).equals(expected), view.name


@given(histories, st.integers(0, 110), st.integers(0, 40))
def test_parts_can_be_gone_through_one_by_one_in_any_order(drawn, first, more):
    """What is needed later of what was needed before, and of another part, is what is needed of both."""
    facts = corrected_facts(drawn)
    start, later = (datetime(2013, 1, 1, tzinfo=UTC) + days * DAY for days in (first, first + more))
    is_early = pl.col("_known_at") < start - 5 * DAY
    for part, other in (
        (facts.filter(is_early), facts.filter(~is_early)),
        (facts.filter(~is_early), facts.filter(is_early)),
    ):
        kept = needed_facts(pl.concat([needed_facts(part, VIEWS, since=start), other]), VIEWS, since=later)
        requests = ask_from(later)
        for view in VIEWS:
            expected = view_values(view, requests, time="at", facts=facts)
            assert view_values(view, requests, time="at", facts=kept).equals(expected), view.name


def test_what_was_retracted_long_ago_is_left_out():
    """Also where all rows were corrected: a state must not grow with the past."""
    facts = corrected_facts([(day, "a", [(1, "a", 1)]) for day in range(200)])
    since = facts["_known_at"].max() - 7 * DAY
    assert needed_facts(facts, VIEWS[:1], since=since, received_since=since).height <= 3 * (7 + 2) + 1


def test_a_fact_that_is_received_late_is_kept_until_it_counts():
    """All of history may have been received at once: only the latest fact of each entity can be looked up then."""
    start = datetime(2013, 1, 1, tzinfo=UTC)
    rows = [
        {"_fact_id": str(day), "_known_at": start + day * DAY, "_seen_at": start + 500 * DAY, "k": "a", "x": day}
        for day in range(100)
    ]
    facts = pl.DataFrame(
        rows, schema_overrides={"_known_at": pl.Datetime("us", "UTC"), "_seen_at": pl.Datetime("us", "UTC")}
    )
    assert needed_facts(facts, VIEWS, since=start + 300 * DAY)["x"].to_list() == [99]


def test_what_is_seen_at_the_very_moment_does_not_count_there_yet():
    start = datetime(2013, 1, 1, tzinfo=UTC)
    moment = pl.Datetime("us", "UTC")
    facts = pl.DataFrame(
        [("1", start, start, "a", 1.0), ("2", start + DAY, start + 5 * DAY, "a", 2.0)],
        schema={"_fact_id": pl.String, "_known_at": moment, "_seen_at": moment, "k": pl.String, "x": pl.Float64},
        orient="row",
    )
    for days, needed in ((4, [1.0, 2.0]), (5, [1.0, 2.0]), (5.1, [2.0])):
        assert needed_facts(facts, VIEWS[:1], since=start + days * DAY)["x"].to_list() == needed


def test_a_stale_fact_is_left_out_where_it_counts_as_none():
    facts = corrected_facts([(0, "a", []), (50, "b", [])])
    views = [View("fresh", "t", by="k", values={"x": last("x")}, ttl="3d")]
    since = datetime(2013, 1, 1, tzinfo=UTC) + 51 * DAY
    assert needed_facts(facts, views, since=since)["k"].to_list() == ["a", "b"]
    assert needed_facts(facts, views, since=since, with_stale=False)["k"].to_list() == ["b"]
    assert reach_of(views) == 3 * DAY
