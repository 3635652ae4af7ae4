"""Days of requests with their answers and outcomes, and drifts that are planted in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
ROWS_A_DAY = 500
TRAINING_DAYS = 56
_WEIGHTS = {"income": -0.8, "age": 0.5, "heat": 0.6, "visits": 0.4}
_INTERCEPT = -1.0
_PLANS = np.array(["basic", "plus", "pro", "team"])
_PLAN_EFFECTS = np.array([0.5, 0.0, -0.4, -0.8])
_USUAL_HEAT = 15.0


@dataclass(frozen=True)
class Day:
    """The requests of one day: inputs, the model's answers, the truth."""

    inputs: pl.DataFrame
    output: Floats
    truth: Floats


Plant = Callable[[np.random.Generator, Day, float], Day]
"""Plants a drift of a strength between 0 and 1 in a day."""


@dataclass(frozen=True)
class Drift:
    """A drift to find. `harms`: answers become worse, so it must page; without harm (False) it must not; None: the
    world is a little harder to predict, though the model knows it.

    `levels`: the strengths that its days pass through; it comes and goes where `recurring`.
    """

    plant: Plant
    harms: bool | None
    levels: tuple[float, ...] = (1.0,)
    recurring: bool = False


def draw_days(rng: np.random.Generator, days: int) -> list[Day]:
    """Days of one world: their means wander from day to day, and one input depends on the weekday."""
    return [_draw_day(rng, number) for number in range(days)]


def _draw_day(rng: np.random.Generator, number: int) -> Day:
    rows = int(rng.poisson(ROWS_A_DAY * (0.7 if number % 7 in (5, 6) else 1.0)))
    moods = rng.normal(0, 0.15, size=6)  # a day is not a random sample of all days
    wealth = rng.normal(moods[0], 1, size=rows)
    inputs = pl.DataFrame(
        {
            "income": np.exp(10 + 0.6 * wealth),
            "age": np.clip(40 + 12 * (0.3 * wealth + rng.normal(moods[1], 1, size=rows)), 18, 95),
            "heat": rng.normal(_USUAL_HEAT + 8 * moods[2], 5, size=rows),
            "visits": rng.poisson(np.exp(1 + moods[3] + (0.3 if number % 7 in (5, 6) else 0.0)), size=rows).astype(
                float
            ),
            "noise_1": rng.normal(moods[4], 1, size=rows),
            "noise_2": rng.gamma(2.0, np.exp(moods[5]), size=rows),
            "plan": rng.choice(_PLANS, size=rows, p=(0.4, 0.3, 0.2, 0.1)),
            "region": rng.choice(np.array([f"r{region}" for region in range(12)]), size=rows),
        }
    )
    chance = answer(inputs)
    return Day(inputs, chance, (rng.random(rows) < chance).astype(float))


def answer(inputs: pl.DataFrame) -> Floats:
    """What the model answers; it is the true chance of the world, and takes the usual value where one is missing."""
    standard = {
        "income": (inputs["income"].fill_null(np.exp(10)).log() - 10) / 0.6,
        "age": (inputs["age"].fill_null(40.0) - 40) / 12,
        "heat": (inputs["heat"].fill_null(_USUAL_HEAT) - _USUAL_HEAT) / 5,
        "visits": (inputs["visits"].fill_null(3.0) - 3) / 2,
    }
    score = sum(weight * standard[name].to_numpy() for name, weight in _WEIGHTS.items())
    plan = dict(zip(_PLANS.tolist(), _PLAN_EFFECTS.tolist(), strict=True))
    score = _INTERCEPT + score + inputs["plan"].replace_strict(plan, default=0.0).to_numpy()
    return 1 / (1 + np.exp(-score))


def _as_served(day: Day, inputs: pl.DataFrame) -> Day:
    """The truth is that of the world; the model sees other inputs."""
    return Day(inputs, answer(inputs), day.truth)


def _as_lived(rng: np.random.Generator, inputs: pl.DataFrame) -> Day:
    """The world has changed, and so has the truth, as the model expects."""
    chance = answer(inputs)
    return Day(inputs, chance, (rng.random(len(chance)) < chance).astype(float))


def _shift_all(rng: np.random.Generator, day: Day, strength: float) -> Day:
    moved = {
        "income": pl.col("income") * np.exp(0.3 * strength),
        "age": pl.col("age") + 6 * strength,
        "heat": pl.col("heat") + 2.5 * strength,
        "noise_1": pl.col("noise_1") + 0.5 * strength,
    }
    return _as_lived(rng, day.inputs.with_columns(**moved))


def _shift_one(rng: np.random.Generator, day: Day, strength: float) -> Day:
    return _as_lived(rng, day.inputs.with_columns(age=pl.col("age") + 10 * strength))


def _shift_unused(_rng: np.random.Generator, day: Day, strength: float) -> Day:
    return _as_served(day, day.inputs.with_columns(noise_1=pl.col("noise_1") + strength))


def _shift_labels(rng: np.random.Generator, day: Day, strength: float) -> Day:
    """Positives become twice as frequent; what they look like stays as it was."""
    weight = np.where(day.truth > 0, 1 + strength, 1.0)
    chosen = rng.choice(len(weight), size=len(weight), p=weight / weight.sum())
    return Day(day.inputs[chosen], day.output[chosen], day.truth[chosen])


def _drop_values(rng: np.random.Generator, day: Day, strength: float) -> Day:
    gone = rng.random(day.inputs.height) < 0.5 * strength
    inputs = day.inputs.with_columns(income=pl.when(pl.Series(gone)).then(None).otherwise(pl.col("income")))
    return _as_served(day, inputs)


def _change_unit(_rng: np.random.Generator, day: Day, strength: float) -> Day:
    other = pl.col("heat") * (1 + 0.8 * strength) + 32 * strength
    return _as_served(day, day.inputs.with_columns(heat=other))


def _change_concept(rng: np.random.Generator, day: Day, strength: float) -> Day:
    """Nothing that is seen changes, but what follows from it."""
    other = rng.random(len(day.truth)) < 0.3 * strength
    coin = (rng.random(len(day.truth)) < 0.5).astype(float)
    return Day(day.inputs, day.output, np.where(other, coin, day.truth))


DRIFTS: Mapping[str, Drift] = {
    "sudden": Drift(_shift_all, harms=None),
    "gradual, 28 days": Drift(_shift_all, harms=None, levels=(0.25, 0.5, 0.75, 1.0)),
    "recurring weeks": Drift(_shift_all, harms=None, recurring=True),
    "one feature": Drift(_shift_one, harms=None),
    "unused feature": Drift(_shift_unused, harms=False),
    "label shift": Drift(_shift_labels, harms=True),
    "silent nulls": Drift(_drop_values, harms=True),
    "unit change": Drift(_change_unit, harms=True),
    "concept change": Drift(_change_concept, harms=True),
}
