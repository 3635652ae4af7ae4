"""Expressions as data: they are read back unchanged, use one row only, and contain no code."""

import json
import os
import pickle
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from polars.plugins import register_plugin_function

from mlops_lab.errors import InvalidInput
from mlops_lab.features.expressions import literals_to_columns, read_expression, write_expression

MOMENT = pl.Datetime("us", "UTC")
a, b, s, t = pl.col("a"), pl.col("b"), pl.col("s"), pl.col("t")

SERVED = {
    "arithmetic": (a + 1) * b / 2 - a // 3 % 2 + a**2,
    "comparison": (a > 1) & (b <= 2.5) | ~(a == b),
    "negation": -a,
    "choice": pl.when(a > 1).then(b).when(a < 0).then(0.0).otherwise(None),
    "nulls": pl.coalesce(a, b, pl.lit(0)).fill_null(1).is_null(),
    "fill_nan": b.fill_nan(None),
    "missing": a.eq_missing(b),
    "range": a.is_between(1, 2),
    "list": s.is_in(["x", "y"]),
    "numbers": a.clip(0, 1).round(1).abs().sqrt().log1p().exp().sign().floor(),
    "log": b.log(),
    "circle": (a / 24 * 6.283).sin(),
    "across": pl.max_horizontal(a, b) + pl.mean_horizontal(a, b) + pl.sum_horizontal("a", "b"),
    "cast": a.cast(pl.Int64).cast(pl.String),
    "texts": s.str.to_lowercase().str.slice(0, 2).str.contains("x"),
    "join": pl.concat_str(s, pl.lit("-"), s).str.len_chars(),
    "format": pl.format("{}-{}", s, s),
    "codes": s.replace_strict({"x": 1}, default=None),
    "clock": t.dt.convert_time_zone("America/New_York").dt.hour(),
    "calendar": t.dt.weekday() + t.dt.month() + t.dt.ordinal_day(),
    "elapsed": (t - pl.lit(datetime(2013, 1, 1, tzinfo=UTC))).dt.total_minutes() / 60,
    "shifted": (t - timedelta(hours=1)).dt.truncate("1h"),
    "offset": t.dt.offset_by("1d").dt.epoch("s"),
    "duration": pl.duration(minutes=a).dt.total_seconds() + (t - t.dt.truncate("1d")).dt.total_hours(fractional=True),
    "date": t.dt.date().dt.to_string("%Y-%m-%d").str.to_date("%Y-%m-%d").dt.year(),
    "parsed": pl.lit("2013-01-01T05:00:00Z").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_zone="UTC") - t,
    "padded": s.str.zfill(4).str.pad_start(5, "_").str.strip_prefix("_").str.replace("0", "1"),
    "found": s.str.extract("(x)", 1).str.starts_with("x"),
    "digits": b.round_sig_figs(1).is_close(0.5),
    "alias": (a + 1).alias("z"),
}
FRAME = pl.DataFrame(
    {
        "a": [1, None, -3],
        "b": [0.5, 2.5, None],
        "s": ["x", "Xy", None],
        "t": [datetime(2013, 3, 10, 6, 59, tzinfo=UTC), datetime(2013, 3, 10, 7, tzinfo=UTC), None],
    },
    schema_overrides={"t": MOMENT},
)


@pytest.mark.parametrize("expression", SERVED.values(), ids=SERVED)
def test_an_expression_reads_back_as_it_was(expression):
    back = read_expression("x", write_expression("x", expression))
    before, after = (FRAME.select(one.alias("value"))["value"] for one in (expression, back))
    assert before.dtype == after.dtype
    assert before.equals(after)
    one_by_one = pl.concat(FRAME[row].select(back.alias("value")) for row in range(FRAME.height))["value"]
    assert one_by_one.equals(before)  # each row for itself, as the server asks


CODE = {
    "map_elements": a.map_elements(lambda value: value, return_dtype=pl.Int64),
    "map_batches": a.map_batches(lambda column: column, return_dtype=pl.Int64),
    "struct": pl.struct("a", "b").map_elements(lambda row: 1, return_dtype=pl.Int64),
    "name.map": a.name.map(lambda name: name),
    "rolling_map": a.rolling_map(lambda window: window.sum(), 3),
    "fold": pl.fold(0, lambda left, right: left + right, [a, b]),
    "reduce": pl.reduce(lambda left, right: left + right, [a, b]),
    "plugin": register_plugin_function(plugin_path="/bin/true", function_name="run", args=a),
    "hidden": pl.when(a > 1).then(a.map_elements(lambda value: value, return_dtype=pl.Int64)),
}
WHOLE_COLUMN = {
    "mean": a - a.mean(),
    "first": a / a.first(),
    "over": a.sum().over("s"),
    "shift": a.shift(1),
    "running": a.cum_sum(),
    "rank": a.rank(),
    "sort": a.sort(),
    "reverse": a.reverse(),
    "fill": a.fill_null(strategy="forward"),
    "interpolate": a.interpolate(),
    "duplicated": a.is_duplicated(),
    "length": a / pl.len(),
    "length_alone": pl.len().alias("n"),
    "random": a.shuffle(),
    "rolling": a.rolling_mean(2),
    "any": a.is_null().any(),
    "explode": a.explode(),
}


@pytest.mark.parametrize("expression", [*CODE.values(), *WHOLE_COLUMN.values()], ids=[*CODE, *WHOLE_COLUMN])
def test_code_and_whole_columns_are_refused(expression):
    for read in (write_expression, lambda name, one: read_expression(name, one.meta.serialize(format="json"))):
        with pytest.raises(InvalidInput) as caught:
            read("x", expression)
        assert caught.value.code == "code_in_expression"
        assert 'derived feature "x"' in str(caught.value)
        assert caught.value.hint


class Crime:
    """Leaves a trace where it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def spelled(text: str) -> str:
    """The same JSON with every letter of every key written as an escape."""
    escape = lambda word: "".join(f"\\u{ord(letter):04x}" for letter in word)  # noqa: E731
    for word in ("AnonymousFunction", "RenameAlias", "Map", "Python", "function"):
        text = text.replace(f'"{word}"', f'"{escape(word)}"')
    return text


@pytest.mark.parametrize("disguise", [str, spelled])
def test_a_tampered_package_runs_nothing(tmp_path, disguise):
    trace = tmp_path / "trace"
    code = list(pickle.dumps(Crime(str(trace))))
    honest = json.loads(a.name.map(lambda name: name).meta.serialize(format="json"))
    honest["RenameAlias"]["function"]["Map"][6:] = code
    smuggled = [
        json.dumps(honest),
        a.map_elements(lambda value: os.mkdir(trace), return_dtype=pl.Int64).meta.serialize(format="json"),
    ]
    for text in smuggled:
        with pytest.raises(InvalidInput):
            FRAME.select(read_expression("x", disguise(text)))
    assert not trace.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "5", '{"Column":5}', '{"Column":"a"', '"Len"', "{}"])
def test_text_that_is_no_expression_is_an_error_with_a_hint(text):
    with pytest.raises(InvalidInput) as caught:
        read_expression("x", text)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("expression", "columns"),
    [
        (pl.col("a") / 60, {"_60": 60}),
        (pl.when(pl.col("a") > 1).then(2.5).otherwise(None), {"_1": 1, "_2.5": 2.5}),
        (pl.col("a").clip(-5, 5), {}),
        (pl.lit(7).sqrt() + pl.col("a"), {"_7": 7}),
        (pl.col("a").cast(pl.Int8) + pl.lit(3, dtype=pl.Float64), {"_3.0": 3.0}),
        (pl.col("s").str.contains("7"), {}),
    ],
)
def test_numbers_in_a_computation_become_columns(expression, columns):
    settled, numbers = literals_to_columns(expression)
    assert numbers == columns
    assert set(settled.meta.root_names()) == {*expression.meta.root_names(), *columns}
