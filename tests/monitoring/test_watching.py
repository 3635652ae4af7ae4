"""The rules of a project on the values of its days."""

import numpy as np

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
