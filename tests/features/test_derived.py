"""A derived feature depends on its own row alone, however many other rows there are and whatever is in them."""

import math
from datetime import UTC, datetime

import polars as pl
from hypothesis import assume, given
from hypothesis import strategies as st
from slow import examples

from mlops_lab.features.definition import Features

SCHEMA = {
    "a": pl.Float64(),
    "b": pl.Float64(),
    "n": pl.Int64(),
    "flag": pl.Boolean(),
    "at": pl.Datetime("us", "UTC"),
}
floats = st.none() | st.floats(-1e3, 1e3) | st.sampled_from([0.0, -0.0, 1.0, 1e12, math.inf, 5e-324])
rows = st.fixed_dictionaries(
    {
        "a": floats,
        "b": floats,
        "n": st.none() | st.integers(-1000, 1000) | st.just(2**62),
        "flag": st.none() | st.booleans(),
        "at": st.none() | st.datetimes(datetime(2013, 1, 1), datetime(2014, 1, 1), timezones=st.just(UTC)),
    }
)
numbers = st.sampled_from([60, 7, 0.1, 3.3, -2, 1e-3, 0])
leaves = st.one_of(
    st.sampled_from([pl.col("a"), pl.col("b"), pl.col("n")]),
    numbers.map(pl.lit),
    st.sampled_from([pl.col("at").dt.hour(), pl.col("at").dt.convert_time_zone("America/New_York").dt.weekday()]),
    st.just(pl.col("flag").cast(pl.Int64)),
)
UNARY = [
    lambda x: x.abs(),
    lambda x: x.cast(pl.Float64).sin(),
    lambda x: x.cast(pl.Float64).exp(),
    lambda x: x.cast(pl.Float64).abs().log(),
    lambda x: x.cast(pl.Float64).sqrt(),
    lambda x: x.cast(pl.Float32),
    lambda x: x.fill_null(0),
    lambda x: x.clip(-5, 5),
    lambda x: x**2,
]
BINARY = [
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: x * y,
    lambda x, y: x / y,
    lambda x, y: x % y,
    lambda x, y: x // y,
    lambda x, y: pl.max_horizontal(x, y),
    lambda x, y: pl.mean_horizontal(x, y),
    lambda x, y: pl.when(x > y).then(x).otherwise(y),
    lambda x, y: pl.when(pl.col("flag")).then(x / 3).otherwise(y),
]
expressions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda how, x: how(x), st.sampled_from(UNARY), inner),
        st.builds(lambda how, x, y: how(x, y), st.sampled_from(BINARY), inner, inner),
    ),
    max_leaves=6,
)


def same(one, other):
    return one == other or (one is not None and other is not None and one != one and other != other)


@examples(300)
@given(expressions, st.lists(rows, min_size=1, max_size=9), st.data())
def test_a_row_has_the_same_value_beside_any_other_rows(expression, cells, data):
    assume(expression.meta.root_names())
    features = Features(["x"], derived={"x": expression})
    frame = pl.DataFrame(cells, schema=SCHEMA)
    try:
        together = features.select(frame)["x"].to_list()
    except pl.exceptions.PolarsError:
        assume(False)
    alone = [features.select(frame[index])["x"][0] for index in range(frame.height)]
    picked = data.draw(st.lists(st.integers(0, frame.height - 1), min_size=1, max_size=5))
    mixed = features.select(frame[picked])["x"].to_list()
    assert all(same(one, other) for one, other in zip(alone, together, strict=True))
    assert all(same(alone[index], value) for index, value in zip(picked, mixed, strict=True))


def test_413_minutes_are_the_same_hours_everywhere():
    """Polars multiplies several rows by the reciprocal of 60, and divides a single one."""
    hours = Features(inputs=["hours"], derived={"hours": pl.col("x") / 60})
    one, five = (pl.DataFrame({"x": [413.0] * rows}) for rows in (1, 5))
    frames = [one, five, pl.concat([one, one]), pl.concat([five, one, five]), five.with_columns(x=pl.lit(413.0))]
    assert {value for frame in frames for value in hours.select(frame)["hours"]} == {413 / 60}
