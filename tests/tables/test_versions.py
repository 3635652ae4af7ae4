"""Versions of a row: what was known at a moment is found again."""

from datetime import UTC, datetime, timedelta

import polars as pl

from mlops_lab.schemas.casts import MOMENT
from mlops_lab.tables.versions import CORRECTED_AT, GONE, latest_versions, with_retractions

T = datetime(2013, 3, 1, tzinfo=UTC)
H = timedelta(hours=1)


def facts(*rows: tuple[str, datetime | None, datetime | None, datetime | None, int | None]) -> pl.DataFrame:
    """Rows with these values; one without a size is gone."""
    names = {"_fact_id": pl.String, "_known_at": MOMENT, "_seen_at": MOMENT, CORRECTED_AT: MOMENT, "size": pl.Int64}
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(pl.col("size").is_null().alias(GONE))


ROWS = facts(
    ("a", T, T, None, 1),
    ("b", T, T, None, 2),
    ("a", T, T + 2 * H, T + 2 * H, 10),
    ("a", T, T + H, T + H, 5),
)


def test_facts_without_versions_stay_as_they_are():
    plain = ROWS.drop(CORRECTED_AT, GONE)
    assert with_retractions(plain, ["_fact_id"]) is plain
    assert latest_versions(plain, ["_fact_id"], until=T) is plain


def test_each_earlier_version_is_taken_back_when_the_next_is_seen():
    found = with_retractions(ROWS, ["_fact_id"]).sort("_fact_id", "_seen_at", "_weight", "size")
    assert found.select("_fact_id", "_seen_at", "size", "_weight").rows() == [
        ("a", T, 1, 1),
        ("a", T + H, 1, -1),
        ("a", T + H, 5, 1),
        ("a", T + 2 * H, 5, -1),
        ("a", T + 2 * H, 10, 1),
        ("b", T, 2, 1),
    ]


def test_a_version_that_is_replaced_at_once_is_left_out():
    rows = facts(("a", T, T, None, 1), ("a", T, T, T + H, 5), ("b", None, None, None, 2), ("b", None, None, T, 3))
    found = with_retractions(rows, ["_fact_id"])
    assert found.select("_fact_id", "size", "_weight").sort("_fact_id").rows() == [("a", 5, 1), ("b", 3, 1)]


def test_as_of_a_moment_the_last_version_received_by_then_counts_with_the_times_of_the_first():
    for until, size in ((T, 1), (T + H, 5), (T + 1.5 * H, 5), (T + 2 * H, 10), (None, 10)):
        found = latest_versions(ROWS, ["_fact_id"], until=until)
        assert found.rows() == [("a", T, T, size), ("b", T, T, 2)]


def test_rows_of_several_moments_are_several_rows():
    rows = facts(("a", T, T, None, 1), ("a", T + H, T + H, None, 2), ("a", T, T + 2 * H, T + 2 * H, 3))
    assert latest_versions(rows, ["_fact_id", "_known_at"])["size"].to_list() == [3, 2]
    assert with_retractions(rows, ["_fact_id", "_known_at"]).height == 4


def test_a_row_that_is_gone_counts_until_then_and_may_come_back():
    rows = facts(
        ("a", T, T, None, 1), ("a", T, T + H, T + H, None), ("a", T, T + 3 * H, T + 3 * H, 4), ("b", T, T, None, 2)
    )
    found = with_retractions(rows, ["_fact_id"]).sort("_seen_at", "_fact_id")
    assert found.select("_fact_id", "_seen_at", "size", "_weight").rows() == [
        ("a", T, 1, 1),
        ("b", T, 2, 1),
        ("a", T + H, 1, -1),
        ("a", T + 3 * H, 4, 1),
    ]
    for until, sizes in ((T, [1, 2]), (T + H, [2]), (None, [4, 2])):
        assert latest_versions(rows, ["_fact_id"], until=until)["size"].to_list() == sizes
