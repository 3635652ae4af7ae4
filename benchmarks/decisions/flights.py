"""Daily log losses of many models on the flights of 2013: versions by days, computed once and kept in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from lightgbm import LGBMClassifier

from mlops_lab.features.offline import compute
from mlops_lab.project import load_project
from mlops_lab.registry.engines.encoding import Encoder, learn_categories
from mlops_lab.replay.flights import read_world
from mlops_lab.tables.facts import facts_of
from mlops_lab.training.pipeline import load_pipeline

PROJECT = Path(__file__).parents[2] / "examples" / "flights"
ZONE = "America/New_York"
FIRST_DAY = date(2013, 1, 1)
DAYS = 365
SEEDS = range(1, 9)
CUTS = (date(2013, 2, 1), date(2013, 4, 1), date(2013, 6, 1), date(2013, 8, 1))
REFIT_EVERY_DAYS = 14
FIRST_TRAINING = date(2013, 2, 1)
PLANTED = ("shuffled column", "stale features", "leak taken away", "miscalibrated", "one slice broken")
"""What makes the models of `FlightLosses.planted` worse."""
STALE = ("late_1h", "seen_1h", "origin_delay_3h", "dest_delay", "aircraft_delay", "aircraft_minutes")
_FILE = "flight_losses.npz"
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FlightLosses:
    """`seeds` (cut, seed, day), `planted` (kind, cut, day) and `refits` (refit, day): the mean log loss of the flights
    of each day, NaN before the training; `rows` (day): the number of flights. Days count from 1 January; so do `cuts`
    and `refit_days`, the days at whose start a model was trained on all that was known."""

    seeds: Floats
    planted: Floats
    refits: Floats
    rows: Floats
    cuts: npt.NDArray[np.int64]
    refit_days: npt.NDArray[np.int64]


def has_losses(folder: Path) -> bool:
    """Whether the losses were computed before."""
    return (folder / _FILE).is_file()


def read_losses(folder: Path) -> FlightLosses:
    """The losses, read from the folder or computed and left there (some minutes)."""
    if not has_losses(folder):
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(folder / _FILE, **vars(_compute_losses()))
    with np.load(folder / _FILE) as arrays:
        return FlightLosses(**{name: arrays[name] for name in arrays.files})


def _compute_losses() -> FlightLosses:
    flights = Flights()
    cuts = np.array([_day_number(cut) for cut in CUTS])
    refit_days = np.arange(_day_number(FIRST_TRAINING), DAYS, REFIT_EVERY_DAYS)
    refits = np.stack([flights.losses_of(flights.train(int(day)), int(day)) for day in refit_days])
    # Rows and columns are drawn, so that the seed matters; the demo's model uses all of them.
    drawn = {"subsample": 0.8, "subsample_freq": 1, "colsample_bytree": 0.8}
    seeds = [
        [flights.losses_of(flights.train(int(cut), random_state=seed, **drawn), int(cut)) for seed in SEEDS]
        for cut in cuts
    ]
    planted = np.stack([flights.planted_losses(int(cut)) for cut in cuts], axis=1)
    return FlightLosses(np.array(seeds), planted, refits, flights.rows_by_day, cuts, refit_days)


def _day_number(day: date) -> int:
    return (day - FIRST_DAY).days


class Flights:
    """All flights as the demo's model sees them."""

    def __init__(self) -> None:
        project = load_project(PROJECT)
        self._pipeline = load_pipeline(project)
        world = read_world()
        tables = {"flights": world.flights, "weather": world.weather, "planes": world.planes}
        facts = {name: facts_of(project, name, rows) for name, rows in tables.items()}
        inputs = compute(self._pipeline.features, world.flights, time="scheduled_at", facts=facts)
        categories = learn_categories(inputs)
        self.inputs, self._columns = inputs, inputs.columns
        self._matrix = Encoder(inputs.columns, categories).encode(inputs)
        self._texts = [inputs.columns.index(name) for name in categories]
        self.late = world.flights["late"].to_numpy()
        self._at_newark = (world.flights["origin"] == "EWR").to_numpy()
        self._leak = world.flights["arrival_delay"].to_numpy()
        self.known_at = world.flights["known_at"]
        local = world.flights["scheduled_at"].dt.convert_time_zone(ZONE).dt.date()
        self.day = (local - pl.Series([FIRST_DAY])).dt.total_days().to_numpy()
        self.rows_by_day = np.bincount(self.day, minlength=DAYS).astype(np.float64)

    def train(self, cut: int, *, matrix: Floats | None = None, **parameters: Any) -> LGBMClassifier:
        """The demo's model, trained at the start of day `cut` on all that was known."""
        moment = datetime(2013, 1, 1, 5, tzinfo=UTC) + timedelta(days=cut)
        known = (self.known_at < moment).to_numpy()
        model: LGBMClassifier = self._pipeline.model().set_params(**parameters)
        inputs = self._matrix if matrix is None else matrix
        return model.fit(inputs[known], self.late[known], categorical_feature=self._texts)

    def losses_of(self, model: LGBMClassifier, cut: int, matrix: Floats | None = None) -> Floats:
        """The mean log loss of each day from `cut` on."""
        return self._losses(self.score(model, cut, matrix), cut)

    def planted_losses(self, cut: int) -> Floats:
        """The losses of the demo's model, made worse in each of the ways of `PLANTED`; (kind, day)."""
        model = self.train(cut)
        later = self.day >= cut
        shuffled, stale = self._matrix.copy(), self._matrix.copy()
        column = self._columns.index("origin_delay_3h")
        shuffled[:, column] = np.random.default_rng(0).permutation(shuffled[:, column])
        for name in STALE:  # the value of 1,000 flights before: about a day
            stale[:, self._columns.index(name)] = np.roll(stale[:, self._columns.index(name)], 1_000)
        leaking = self.train(cut, matrix=np.column_stack([self._matrix, self._leak]))
        without_leak = np.column_stack([self._matrix, np.full(len(self._matrix), np.nan)])
        chance = self.score(model, cut)
        odds = (chance / (1 - chance)) ** 1.5
        return np.stack(
            [
                self.losses_of(model, cut, shuffled),
                self.losses_of(model, cut, stale),
                self.losses_of(leaking, cut, without_leak),
                self._losses(odds / (1 + odds), cut),
                self._losses(np.where(self._at_newark[later], 0.5, chance), cut),
            ]
        )

    def score(self, model: LGBMClassifier, cut: int, matrix: Floats | None = None) -> Floats:
        """The chance that the model gives to each flight from day `cut` on."""
        inputs = self._matrix if matrix is None else matrix
        return np.asarray(model.predict_proba(inputs[self.day >= cut]))[:, 1]

    def _losses(self, chance: Floats, cut: int) -> Floats:
        later = self.day >= cut
        chance = np.clip(chance, 1e-15, 1 - 1e-15)
        loss = -np.log(np.where(self.late[later], chance, 1 - chance))
        losses = np.bincount(self.day[later], weights=loss, minlength=DAYS) / self.rows_by_day
        losses[:cut] = np.nan
        return np.asarray(losses)
