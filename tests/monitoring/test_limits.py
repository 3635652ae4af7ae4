"""What is told of a day: much, and not what chance or a season does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from mlops_lab.monitoring.limits import find_warnings
from mlops_lab.monitoring.measure import measure
from mlops_lab.monitoring.profile import make_profiles
from mlops_lab.monitoring.window import Window
from mlops_lab.tables.declared import MEASUREMENTS
from mlops_lab.tasks.binary import Binary

END = datetime(2026, 3, 2, tzinfo=UTC)
RANDOM = np.random.default_rng(1)


def inputs(rows: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "city": RANDOM.choice(["Rome", "Oslo", "Kyiv"], rows),
            "kilos": RANDOM.gamma(2.0, 3.0, rows),
            "items": RANDOM.integers(1, 9, rows),
            "note": RANDOM.choice(["x", None], rows, p=[0.9, 0.1]).tolist(),
        },
        schema_overrides={"note": pl.String},
    )


PROFILES = make_profiles(inputs(2000))


def day(frame: pl.DataFrame, *, end: datetime = END) -> pl.DataFrame:
    predictions = frame.with_columns(version=1, role=pl.lit("champion"))
    joined = pl.DataFrame(schema={"version": pl.Int64, "role": pl.String, "truth": pl.Float64, "output": pl.Float64})
    window = Window(end - timedelta(days=1), end)
    given = {"task": Binary(), "predictions": predictions, "joined": joined, "profiles": PROFILES}
    return measure(window, version=1, inputs=frame, **given)


def warnings(frame: pl.DataFrame, *, before: list[int] = ()) -> list[str]:
    earlier = [day(inputs(rows), end=END - timedelta(days=1 + number)) for number, rows in enumerate(before)]
    nothing = pl.DataFrame(schema=MEASUREMENTS.fixed_schema)
    return find_warnings(day(frame), pl.concat([nothing, *earlier]), profiles=PROFILES, version=1)


def test_what_is_like_training_is_not_told():
    for rows in (0, 3, 99, 100, 500):
        assert warnings(inputs(rows)) == []
    assert warnings(inputs(300).with_columns(pl.col("kilos") * 1.5)) == [], "a season"


def test_what_comes_from_elsewhere_is_told_in_plain_words():
    mars = inputs(800).with_columns(city=pl.lit("Mars"), kilos=pl.lit(900.0), items=pl.lit(900))
    first, *others = warnings(mars)
    assert first == '100% of the values of "city" were never seen in training'
    assert len(others) == 2
    assert all(" is spread otherwise than in training (PSI " in text for text in others)
    assert warnings(mars.head(99)) == []


def test_what_is_usual_for_single_days_is_not_told():
    def one_value(kilos: float) -> pl.DataFrame:
        return inputs(200).with_columns(kilos=pl.lit(kilos))

    told = ['"kilos" is spread otherwise than in training (PSI ']
    earlier = [day(one_value(3.0 + number), end=END - timedelta(days=1 + number)) for number in range(6)]
    for before, expected in ((earlier[:4], told), (earlier, [])):
        given = {"profiles": PROFILES, "version": 1}
        texts = find_warnings(day(one_value(5.0)), pl.concat(before), **given)
        assert [text[: len(told[0])] for text in texts] == expected


def test_nulls_are_told_with_what_was_usual():
    gone = inputs(200).with_columns(note=pl.lit(None, pl.String))
    (text,) = warnings(gone)
    assert text.startswith('100% of "note" is missing; in training ')


def test_of_many_inputs_the_worst_are_named():
    gone = inputs(200).with_columns(pl.lit(None, dtype).alias(name) for name, dtype in inputs(1).schema.items())
    assert len(warnings(gone)) == 4
    assert warnings(gone)[-1] == "1 more inputs differ from training"


def test_a_day_with_much_fewer_or_more_answers_than_usual_is_told():
    assert warnings(inputs(20), before=[200] * 6) == ["20 answers, where a day usually has 200"]
    assert warnings(inputs(0), before=[200] * 6) == ["0 answers, where a day usually has 200"]
    assert warnings(inputs(1100), before=[200] * 6) == ["1,100 answers, where a day usually has 200"]
    assert warnings(inputs(50), before=[200] * 6) == []
    assert warnings(inputs(20), before=[200] * 4) == [], "too few days"
    assert warnings(inputs(1), before=[20] * 6) == [], "too few answers"
