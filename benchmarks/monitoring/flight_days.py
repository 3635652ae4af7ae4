"""The flights of 2013, day by day, with one model: what the detectors measure, computed once and kept in a folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from decisions.flights import DAYS, FIRST_DAY, Flights
from mlops_lab.monitoring.profile import make_profiles
from monitoring.peers import measure_with_peers, write_streams
from monitoring.values import QUIET, WEEK, Pool, Values, measure_days
from monitoring.worlds import Day

CUT = (date(2013, 3, 1) - FIRST_DAY).days
"""The model learns from all that was known at the start of this day, and is measured from then on."""
_FEBRUARY = (date(2013, 2, 1) - FIRST_DAY).days
_FILE, _STREAMS = "flight_days.json", "flight_mistakes.npz"


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
        return Pool({QUIET: quiet}, np.array(self.rows[:whole], dtype=np.float64), self.trained_rows)


def has_year(folder: Path) -> bool:
    """Whether the values were computed before."""
    return (folder / _FILE).is_file()


def read_year(folder: Path) -> FlightYear:
    """The year, read from the folder or computed and left there."""
    if not has_year(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / _FILE, _compute_year(folder))
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


def streams_of(folder: Path) -> Path:
    """The file of the mistakes of the model on the same days, row by row."""
    return folder / _STREAMS


def _compute_year(folder: Path) -> FlightYear:
    flights = Flights()
    days = _score_days(flights, train=CUT, since=CUT, until=DAYS)
    # what a model answers to the flights that it learned from is no reference: January's model answers February's
    reference = _score_days(flights, train=_FEBRUARY, since=_FEBRUARY, until=CUT)
    trained = flights.inputs.filter(flights.day < CUT)
    sets = {QUIET: days}
    write_streams(streams_of(folder), sets)
    return FlightYear(
        [FIRST_DAY + timedelta(days=number) for number in range(CUT, DAYS)],
        measure_days(days, make_profiles(trained)) | measure_with_peers(reference, sets)[QUIET],
        [len(day.truth) for day in days],
        trained.height,
    )


def _score_days(flights: Flights, *, train: int, since: int, until: int) -> list[Day]:
    """The flights of some days, and what a model answers that learned from all that was known on day `train`."""
    output = np.full(len(flights.day), np.nan)
    output[flights.day >= train] = flights.score(flights.train(train), train)
    places = [np.flatnonzero(flights.day == number) for number in range(since, until)]
    return [Day(flights.inputs[rows], output[rows], flights.late[rows].astype(np.float64)) for rows in places]
