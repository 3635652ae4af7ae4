"""Facts that come in parts give the values of facts that are all there at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from mlops_lab.features import Features, View, count, largest, last, mean, share, smallest, std, total
from mlops_lab.features import in_parts as module
from mlops_lab.features.in_parts import FactPart, compute_in_parts
from mlops_lab.features.offline import FactIndex, compute, refused

START = datetime(2013, 3, 1, tzinfo=UTC)
MOMENT = pl.Datetime("us", "UTC")
VIEWS = [
    View("latest", "t", by="k", values={"last": last("x")}),
    View("fresh", "t", by={"k2": "k"}, values={"fresh": last("x")}, ttl="5m", missing={"fresh": -1.0}),
    View("short", "t", by="k", over="3m", values={"n": count("x"), "sum": total("x"), "most": largest("x")}),
    View(
        "long",
        "t",
        by=["k", "j"],
        over="30m",
        values={"mean": mean("x"), "least": smallest("x"), "std": std("x")},
    ),
    View("strict", "u", by="k", over="10m", values={"share": share("x", 1.0)}, missing="refuse"),
]
FEATURES = Features([name for view in VIEWS for name in view.values] + ["double"], VIEWS, {"double": pl.col("sum") * 2})

keys = st.sampled_from(["a", "b", None])
facts = st.lists(
    st.tuples(
        st.none() | st.integers(0, 40),  # when it became known; None: it always was
        st.integers(0, 20),  # how much later it was seen
        keys,
        st.sampled_from("xy"),
        st.none() | st.sampled_from([0.1, 1.0, -2.5, 1e9]),
        st.none() | st.integers(1, 30),  # how much later it was corrected
    ),
    max_size=20,
)
asked = st.lists(st.tuples(keys, keys, st.sampled_from("xy"), st.integers(0, 60)), max_size=20)


def frame(drawn: list[tuple[int | None, int, str | None, str, float | None, int | None]]) -> pl.DataFrame:
    """The facts, each with its correction."""
    rows: list[tuple[object, ...]] = []
    for number, (known, late, key, other, value, corrected) in enumerate(drawn):
        known_at = None if known is None else START + timedelta(minutes=known)
        seen_at = None if known is None else START + timedelta(minutes=known + late)
        rows.append((str(number), known_at, seen_at, 1, key, other, value))
        if corrected is not None and seen_at is not None:
            later = seen_at + timedelta(minutes=corrected)
            rows.append((str(number), known_at, later, -1, key, other, value))
            rows.append((str(number), known_at, later, 1, key, other, 7.0))
    schema: dict[str, pl.DataType] = {
        "_fact_id": pl.String(),
        "_known_at": MOMENT,
        "_seen_at": MOMENT,
        "_weight": pl.Int8(),
        "k": pl.String(),
        "j": pl.String(),
        "x": pl.Float64(),
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def in_parts(tables: dict[str, pl.DataFrame], cuts: list[int]) -> Iterator[FactPart]:
    moments = [START + timedelta(minutes=cut) for cut in sorted(cuts)]
    known = pl.col("_known_at")
    for since, until in pairwise([None, *moments, None]):
        is_in = pl.lit(value=True) if since is None else known >= since
        is_in &= pl.lit(value=True) if until is None else known < until
        is_in = is_in.fill_null(value=since is None) if since is None else is_in
        yield FactPart(until, {name: rows.filter(is_in) for name, rows in tables.items()})


@given(facts, facts, asked, st.lists(st.integers(0, 60), max_size=4, unique=True))
def test_parts_change_no_cell(
    drawn: list[tuple[int | None, int, str | None, str, float | None, int | None]],
    others: list[tuple[int | None, int, str | None, str, float | None, int | None]],
    drawn_rows: list[tuple[str | None, str | None, str, int]],
    cuts: list[int],
) -> None:
    tables = {"t": frame(drawn), "u": frame(others)}
    rows = pl.DataFrame(
        [(*row[:3], START + timedelta(minutes=row[3])) for row in drawn_rows],
        schema={"k": pl.String, "k2": pl.String, "j": pl.String, "at": MOMENT},
        orient="row",
    )
    values, is_refused = compute_in_parts(FEATURES, rows, time="at", parts=in_parts(tables, cuts))
    assert_frame_equal(values, compute(FEATURES, rows, time="at", facts=tables), check_exact=True)
    assert is_refused.to_list() == refused(FEATURES, rows, time="at", facts=tables).to_list()


def test_no_part_is_read_after_the_last_row() -> None:
    read = []

    def parts() -> Iterator[FactPart]:
        for part in in_parts({"t": frame([(0, 0, "a", "x", 1.0, None)]), "u": frame([])}, [10, 20, 30]):
            read.append(part.until)
            yield part

    rows = pl.DataFrame({"k": ["a"], "k2": ["a"], "j": ["x"], "at": [START + timedelta(minutes=15)]})
    compute_in_parts(FEATURES, rows.with_columns(pl.col("at").cast(MOMENT)), time="at", parts=parts())
    assert read == [START + timedelta(minutes=10), START + timedelta(minutes=20)]


def test_of_the_parts_before_only_what_can_be_looked_up_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """So memory does not grow with the past."""
    heights = []

    class Index(FactIndex):
        def __init__(self, views: list[View], tables: dict[str, pl.DataFrame]) -> None:
            heights.append(tables["t"].height)
            super().__init__(views, tables)

    monkeypatch.setattr(module, "FactIndex", Index)
    long = frame([(minute, 0, key, "x", 1.0, None) for minute in range(100) for key in ("a", "b", "c")])
    rows = pl.DataFrame({"k": ["a", "b"] * 50, "at": [START + timedelta(minutes=minute) for minute in range(100)]})
    rows = rows.with_columns(pl.col("at").cast(MOMENT))
    features = Features(["n"], [VIEWS[2]])
    compute_in_parts(features, rows, time="at", parts=in_parts({"t": long}, list(range(10, 100, 10))))
    assert max(heights) <= 2 * (10 + 3), "those of a part and of the window, of two entities of three"
