"""The rules of a project on the values of its days."""

import numpy as np
import polars as pl
import pytest
from slow import mostly_slow

from mlops_lab.monitoring.budget.scores import MIN_DAYS
from mlops_lab.monitoring.detectors.run import run_detectors
from mlops_lab.monitoring.profile import make_profiles
from mlops_lab.monitoring.rules import DEFAULT_RULES, MonitorRule, Severity
from mlops_lab.monitoring.watching import watch_series

DAYS, CHANGE = 140, 100


def draw(series: list[tuple[str, str]], *, seed: int = 1) -> dict[tuple[str, str], np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: (name[0] != "excess_loss") + 0.1 * (rng.random(DAYS) - 0.5) for name in series}


def told(
    values: dict[tuple[str, str], np.ndarray], rules=DEFAULT_RULES, budget_days: float = 900
) -> dict[Severity, set[tuple[str, str]]]:
    found: dict[Severity, set[tuple[str, str]]] = {}
    for group in watch_series(values, rules, budget_days=budget_days):
        brought = {group.series[place] for place in np.flatnonzero(group.found.brought.any(axis=-1))}
        found.setdefault(group.severity, set()).update(brought)
    return found


def test_drift_is_a_note_and_a_loss_is_a_page():
    values = draw([("jensen_shannon", name) for name in "abcdef"] + [("excess_loss", "log_loss"), ("nulls", "a")])
    assert not any(told(values).values())
    values["jensen_shannon", "c"][CHANGE:] += 0.5
    assert told(values) == {Severity.NOTE: {("jensen_shannon", "c")}, Severity.PAGE: set()}
    values["excess_loss", "log_loss"][CHANGE:] += 0.5
    assert told(values)[Severity.PAGE] == {("excess_loss", "log_loss")}


def test_what_is_switched_off_is_not_told():
    values = draw([("jensen_shannon", "a"), ("jensen_shannon", "b")])
    values["jensen_shannon", "a"][CHANGE:] += 0.5
    off = (MonitorRule("jensen_shannon", "a", is_watched=False), *DEFAULT_RULES)
    assert told(values, off) == {Severity.NOTE: set()}
    assert told(values, ()) == {}


def test_many_inputs_do_not_drown_the_quality():
    few, many = ([("skill", "log_loss"), *(("nulls", f"x{number}") for number in range(size))] for size in (2, 60))
    days = []
    for series in (few, many):
        values = draw(series)
        values["skill", "log_loss"][CHANGE:] -= 0.12
        quality, _ = watch_series(values, DEFAULT_RULES, budget_days=900)
        days.append(int(np.argmax(quality.found.brought[0])))
    assert days[0] >= CHANGE
    assert days[1] <= days[0] + 1


GAUGES = ("wind", "minutes", "seats", "heat")
UP_TO = 60
"""A year's days are not needed to see it: so many, of which the last ones change."""


def draw_gauges(rng: np.random.Generator, day: float) -> pl.DataFrame:
    """A day of readings, round in their unit: of an instrument, a timetable, a list of aircraft, and of the weather, which
    wanders from day to day and rises with the season."""
    rows, mood = 400, rng.normal(0, 0.1, size=3)
    return pl.DataFrame(
        {
            "wind": np.round(rng.gamma(4.0, 3.0 * np.exp(mood[0]), size=rows)),
            "minutes": np.round(rng.normal(720 + 20 * mood[1], 200, size=rows) / 5) * 5,
            "seats": rng.choice([50.0, 95.0, 150.0, 180.0, 220.0], size=rows),
            "heat": np.round(rng.normal(5 + day / 6 + 30 * mood[2], 4, size=rows), 1),
        }
    )


def measure_gauges(seed: int, change, *, season: float = 1.0) -> dict[tuple[str, str], np.ndarray]:
    """What is measured of `UP_TO` + 3 days, of which `change` changes the last three."""
    rng = np.random.default_rng(seed)
    profiles = make_profiles(pl.concat([draw_gauges(rng, season * day) for day in range(-28, 0)]))
    days = [draw_gauges(rng, season * day) for day in range(UP_TO + 3)]
    days = [*days[:UP_TO], *map(change, days[UP_TO:])]
    found = [{(monitor, name): value for monitor, name, value in run_detectors(day, profiles)} for day in days]
    return {series: np.array([day[series] for day in found]) for series in found[0]}


def half_too_high(name: str) -> pl.Expr:
    value = pl.col(name)
    return pl.when(pl.int_range(pl.len()) % 2 == 0).then(value + 2 * value.std()).otherwise(value).alias(name)


CHANGES = {
    "kilometres": [pl.col(name) * 1.609344 for name in ("wind", "minutes", "seats")],
    "millimetres": [pl.col(name) * 25.4 for name in GAUGES],
    "half of them too high": [half_too_high(name) for name in ("minutes", "seats")],
    "nulls": [pl.lit(None, pl.Float64).alias(name) for name in GAUGES],
}


@pytest.mark.parametrize(
    ("what", "number"), [(what, number) for what, changes in CHANGES.items() for number in range(len(changes))]
)
def test_a_sudden_change_of_one_input_is_named_within_three_days(what: str, number: int):
    change = CHANGES[what][number]
    name = change.meta.output_name()
    values = measure_gauges(number, lambda day: day.with_columns(change))
    named = {
        (series, day)
        for group in watch_series(values, DEFAULT_RULES, budget_days=90)
        for place, series in enumerate(group.series)
        for day in np.flatnonzero(group.found.brought[place]) - UP_TO
    }
    assert {series for (_, series), day in named if day >= 0} >= {name}, named
    if what == "nulls":
        assert (("nulls", name), 0) in named, "where there were none, on the next day"


@pytest.mark.parametrize("seeds", mostly_slow([2, 10], quick=[2]))
def test_without_a_change_nothing_is_told_and_a_season_wakes_nobody(seeds):
    alarms = 0
    for seed in range(seeds):
        quiet = measure_gauges(seed, lambda day: day, season=0.0)
        alarms += sum(int(group.found.alarm.sum()) for group in watch_series(quiet, DEFAULT_RULES, budget_days=90))
        assert not told(measure_gauges(seed, lambda day: day), budget_days=90)[Severity.PAGE]
    assert alarms <= seeds * (UP_TO + 3 - MIN_DAYS) / 90
