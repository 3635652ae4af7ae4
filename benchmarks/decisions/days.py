"""Simulated gains of days: mean 0 and standard deviation 1, as arrays of the shape (runs, days)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, int]], Floats]
_BURN_IN_DAYS = 50


def independent(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Normal and independent."""
    return rng.normal(size=shape)


def heavy_tailed(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Student's t with 3 degrees of freedom."""
    return rng.standard_t(3, size=shape) / np.sqrt(3)


def with_outliers(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """One day in 20 has a deviation ten times as large."""
    return np.where(rng.random(shape) < 0.05, 10, 1) * rng.normal(size=shape) / np.sqrt(0.95 + 5)


def changing_spread(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """The spread wanders: calm weeks and wild ones."""
    spread = np.exp(0.7 * correlated(0.8)(rng, shape))
    return rng.normal(size=shape) * spread / np.exp(0.7**2)


def correlated(correlation: float, noise: Draw = independent) -> Draw:
    """A first-order autoregression."""

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
        days = noise(rng, (shape[0], shape[1] + _BURN_IN_DAYS)) * np.sqrt(1 - correlation**2)
        for day in range(1, days.shape[1]):
            days[:, day] += correlation * days[:, day - 1]
        return days[:, _BURN_IN_DAYS:]

    return draw


PROMISED: dict[str, Draw] = {
    "independent": independent,
    "correlated, 0.2": correlated(0.2),
    "correlated, 0.4": correlated(0.4),
    "heavy tails": heavy_tailed,
    "heavy tails, correlated, 0.4": correlated(0.4, heavy_tailed),
    "outliers": with_outliers,
    "changing spread": changing_spread,
}
"""Days for which alpha must hold."""
NOT_PROMISED: dict[str, Draw] = {
    "correlated, 0.6": correlated(0.6),
    "rare large losses": lambda rng, shape: 1 - rng.exponential(size=shape),
    "rare huge losses (log-normal)": lambda rng, shape: (np.exp(0.5) - rng.lognormal(size=shape)) / 2.16,
}
"""Days that break an assumption: shown, so that nobody has to guess."""
