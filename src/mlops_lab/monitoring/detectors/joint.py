"""Detector: drift of all inputs together, as the maximum mean discrepancy of their bins."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from mlops_lab.monitoring.detectors.base import JointDetector
from mlops_lab.monitoring.profile import NULL_BIN, Profile, find_bins, spread_rows

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

MAX_ROWS = 512
"""Of more requests, so many are compared, evenly spaced in time: the cost grows with the square."""
Floats = npt.NDArray[np.float64]


def joint_drift(profiles: Mapping[str, Profile], columns: Mapping[str, pl.Series]) -> float | None:
    """The squared maximum mean discrepancy between the rows of the training sample and the requests, unbiased: 0 on
    average where nothing has changed, so it may be negative (Gretton et al. 2012, equation 3).

    Each input is a point: a number the middle of its bin's range of ranks (0 to 1), a text a corner of a simplex whose
    corners are 1 apart, a null 1 away from every value. The kernel is exp(-d² / m), d² the squared distance over all
    inputs and m its mean in the training sample. None with fewer than two rows on one side.
    """
    names = [name for name, profile in profiles.items() if name in columns and profile.joint]
    if not names:
        return None
    rows = min(len(columns[name]) for name in names)
    chosen = spread_rows(rows, MAX_ROWS)
    trained = _encode(profiles, {name: np.asarray(profiles[name].joint) for name in names})
    seen = _encode(profiles, {name: find_bins(profiles[name], columns[name][chosen]) for name in names})
    if min(len(trained), len(seen)) < 2:
        return None
    scale, within = _measure_sample(trained.tobytes(), len(trained))
    across = float(_kernel(_squared_distances(trained, seen), scale).mean())
    return within + _off_diagonal(_kernel(_squared_distances(seen, seen), scale)) - 2 * across


@lru_cache(maxsize=4)
def _measure_sample(points: bytes, rows: int) -> tuple[float, float]:
    """(mean squared distance, mean kernel) within the training sample: the same every day."""
    trained = np.frombuffer(points).reshape(rows, -1)
    squares = _squared_distances(trained, trained)
    scale = _off_diagonal(squares) or 1.0
    return scale, _off_diagonal(_kernel(squares, scale))


def _encode(profiles: Mapping[str, Profile], bins: Mapping[str, npt.NDArray[np.int64]]) -> Floats:
    """The rows as points (rows, dimensions)."""
    return np.column_stack([part for name, of_rows in bins.items() for part in _points(profiles[name], of_rows)])


def _points(profile: Profile, bins: npt.NDArray[np.int64]) -> list[Floats]:
    is_null = bins == NULL_BIN
    if profile.categories is not None:
        corners = np.arange(-1, len(profile.shares))  # nulls are one more corner
        return [(bins[:, np.newaxis] == corners) / np.sqrt(2)]
    shares = np.asarray(profile.shares)
    middle = np.cumsum(shares) - shares / 2
    total = float(shares.sum()) or 1.0
    return [
        np.where(is_null, 0.5, middle[np.where(is_null, 0, bins)] / total)[:, np.newaxis],
        is_null[:, np.newaxis] * 1.0,
    ]


def _squared_distances(left: Floats, right: Floats) -> Floats:
    with _threads().limit(limits=1, user_api="blas"):  # the arrays are small: threads would only wait for each other
        squares = (-2 * left) @ right.T
    squares += (left**2).sum(axis=1)[:, np.newaxis]
    squares += (right**2).sum(axis=1)
    return np.asarray(np.maximum(squares, 0.0, out=squares))


@cache
def _threads() -> ThreadpoolController:
    from threadpoolctl import ThreadpoolController  # looks up every library that is loaded

    return ThreadpoolController()


def _kernel(squares: Floats, scale: float) -> Floats:
    """exp(-squares / scale), in their place: the arrays are large."""
    squares /= -scale
    return np.asarray(np.exp(squares, out=squares))


def _off_diagonal(kernel: Floats) -> float:
    """The mean of a square matrix without its diagonal."""
    rows = len(kernel)
    return float((kernel.sum() - np.trace(kernel)) / (rows * (rows - 1)))


JOINT = JointDetector("joint_drift", joint_drift)
