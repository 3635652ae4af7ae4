"""The flights of 2013, day by day, with one model: what the detectors measure, computed once and kept in a folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from decisions.flights import DAYS, FIRST_DAY, Flights
from mlops_lab.monitoring.profile import make_profiles
from monitoring.values import WEEK, Pool, Values, measure_days
from monitoring.worlds import Day

CUT = (date(2013, 3, 1) - FIRST_DAY).days
"""The model learns from all that was known at the start of this day, and is measured from then on."""
_FILE = "flight_days.json"


@dataclass(frozen=True)
class FlightYear:
    """The days, what was measured on each, the number of flights, and of those the model learned from."""

    days: list[date]
    values: Values
    rows: list[int]
    trained_rows: int

    def as_pool(self) -> Pool:
        """The days as a pool to draw weeks from; without drifts."""
        whole = len(self.days) // WEEK * WEEK
        quiet = {series: column[:whole] for series, column in self.values.items()}
        return Pool(quiet, {}, np.array(self.rows[:whole], dtype=np.float64), self.trained_rows)


def has_year(folder: Path) -> bool:
    """Whether the values were computed before."""
    return (folder / _FILE).is_file()


def read_year(folder: Path) -> FlightYear:
    """The year, read from the folder or computed and left there."""
    if not has_year(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / _FILE, _compute_year())
    found = json.loads((folder / _FILE).read_text())
    values = {(monitor, name): np.array(column, dtype=np.float64) for monitor, name, column in found["values"]}
    return FlightYear(
        [FIRST_DAY + timedelta(days=day) for day in found["days"]], values, found["rows"], found["trained"]
    )


def _write(path: Path, year: FlightYear) -> None:
    values = [
        [*series, [None if np.isnan(value) else value for value in column]] for series, column in year.values.items()
    ]
    days = [(day - FIRST_DAY).days for day in year.days]
    path.write_text(json.dumps({"days": days, "values": values, "rows": year.rows, "trained": year.trained_rows}))


def _compute_year() -> FlightYear:
    flights = Flights()
    output = flights.score(flights.train(CUT), CUT)
    trained, later = flights.inputs.filter(flights.day < CUT), flights.inputs.filter(flights.day >= CUT)
    day, late = flights.day[flights.day >= CUT], flights.late[flights.day >= CUT]
    places = [np.flatnonzero(day == number) for number in range(CUT, DAYS)]
    days = [Day(later[rows], output[rows], late[rows].astype(np.float64)) for rows in places]
    values = measure_days(days, make_profiles(trained))
    return FlightYear(
        [FIRST_DAY + timedelta(days=number) for number in range(CUT, DAYS)],
        values,
        [len(rows) for rows in places],
        trained.height,
    )
