"""The text of pipeline.py: it can be run, and its features are those of the analysis."""

from __future__ import annotations

from typing import Any

import polars as pl
from starter_tables import ROWS, make_moments, make_table

from mlops_lab.features import Features
from mlops_lab.starter.analyse import analyse_table
from mlops_lab.starter.options import InitOptions
from mlops_lab.starter.pipeline import write_pipeline


def features_of(frame: pl.DataFrame, target: str = "y") -> Features:
    """The features that the written file makes."""
    names: dict[str, Any] = {}
    exec(write_pipeline(analyse_table(frame, InitOptions(target))), names)
    assert hasattr(names["model"](), "fit")
    features = names["features"]
    assert isinstance(features, Features)
    return features


def test_numbers_and_categories_are_inputs_as_they_are() -> None:
    features = features_of(make_table())
    assert list(features.inputs) == ["a", "b", "kind"]
    assert features.derived == {}


def test_parts_of_moments_are_derived() -> None:
    features = features_of(make_table(at=make_moments()))
    assert list(features.derived) == ["at_hour", "at_weekday", "at_month"]
    inputs = features.select(make_table(at=make_moments()))
    assert inputs["at_hour"].to_list() == [moment.hour for moment in make_moments()]
    assert inputs["at_weekday"].to_list() == [moment.isoweekday() for moment in make_moments()]


def test_a_derived_feature_never_has_the_name_of_a_column() -> None:
    features = features_of(make_table(at=make_moments(), at_hour=[index % 7 for index in range(ROWS)]))
    assert {"at_hour", "at_hour_of"} <= set(features.inputs)


def test_text_becomes_words() -> None:
    notes = [f"Über  {'GOOD' if index % 3 else 'bad'}, no. {index} of them!" for index in range(ROWS)]
    features = features_of(make_table(note=notes))
    assert features.select(make_table(note=notes))["note_words"][0] == "über bad no 0 of them"


def test_long_lists_have_a_line_for_each_name() -> None:
    numbers = {f"a_rather_long_name_of_a_column_{index}": make_table()["a"] for index in range(5)}
    source = write_pipeline(analyse_table(make_table(**numbers), InitOptions("y")))
    assert '    "a_rather_long_name_of_a_column_0",\n' in source
    assert max(map(len, source.splitlines())) <= 120


def test_names_made_for_parts_of_moments_are_free() -> None:
    table = make_table(at=make_moments(), at_hour=list(range(ROWS)), at_hour_of=list(range(ROWS)))
    text = write_pipeline(analyse_table(table, InitOptions("y", time="at")))
    assert '"at_hour_of_of": pl.col("at").dt.hour()' in text
