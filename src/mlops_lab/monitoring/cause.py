"""What explains a higher loss: which inputs, which groups of requests, and which delivery of a table.

Pure functions on two windows: the days before, and those since the change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from mlops_lab.monitoring.detectors.slices import SLICE
from mlops_lab.monitoring.profile import Profile, find_bins
from mlops_lab.schemas.casts import cast_exactly

MIN_ROWS = 30
"""Of a bin or a group with fewer rows the mean loss says little."""
MIN_SHARE = 0.1
"""What explains less of the change is not named."""
_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Explained:
    """A feature, or a group of requests (`FIELD=VALUE`), and how much of the change of the mean loss it explains: in
    the unit of the loss, and as a share of the change."""

    name: str
    loss: float
    share: float


@dataclass(frozen=True)
class LossWindow:
    """The answers of a window whose outcomes are known: the `loss` of each, what the model saw (`inputs`), and the
    fields of `gates.slices` (`groups`, columns named as in `detectors.slices`)."""

    loss: _Floats
    inputs: pl.DataFrame
    groups: pl.DataFrame


def explain_by_features(before: LossWindow, after: LossWindow, profiles: Mapping[str, Profile]) -> list[Explained]:
    """The features, by what the loss would be lower if their values were distributed as before; the first explains
    most.

    The rows after are weighted bin by bin with the ratio of the densities before and after (Shimodaira 2000). Where a
    bin has no rows after, the loss before stands for it. Each feature is looked at alone: two that move together are
    both named.
    """
    change = _change(before, after)
    found = []
    for name, profile in profiles.items():
        if name not in before.inputs.columns or name not in after.inputs.columns:
            continue
        dtype = pl.String() if profile.categories is not None else pl.Float64()
        bins = [find_bins(profile, cast_exactly(window.inputs[name], dtype)[0]) + 1 for window in (before, after)]
        size = len(profile.shares) + 2
        (rows, loss), (rows_after, loss_after) = (
            _by_bin(of, window.loss, size) for of, window in zip(bins, (before, after), strict=True)
        )
        restored = np.where(rows_after >= MIN_ROWS, loss_after, loss)
        as_before = float((rows / rows.sum() * restored).sum())
        found.append((name, float(after.loss.mean()) - as_before))
    return _named(found, change)


def explain_by_groups(before: LossWindow, after: LossWindow) -> list[Explained]:
    """The groups of requests, by how much of the change is theirs: the change of their own mean loss times their share
    of the requests. Those are named whose loss has changed more than that of all requests."""
    change = _change(before, after)
    found = []
    for column in after.groups.columns:
        if column not in before.groups.columns:
            continue
        for value in after.groups[column].drop_nulls().unique().sort():
            of = [(window.groups[column] == value).fill_null(value=False).to_numpy() for window in (before, after)]
            if min(int(rows.sum()) for rows in of) < MIN_ROWS:
                continue
            own = float(after.loss[of[1]].mean() - before.loss[of[0]].mean())
            if own > change:
                found.append((f"{column.removeprefix(SLICE)}={value}", own * float(of[1].mean())))
    return _named(found, change)


def first_unusual(distances: Sequence[float], *, usual: Sequence[float]) -> int | None:
    """The first delivery that differs from the rows before as none of the `usual` ones did, and at least half as much
    as the one that differs most; None where there is none."""
    limit = max(max(distances, default=0.0) / 2, max(usual, default=0.0))
    return next((place for place, distance in enumerate(distances) if distance > limit), None)


def _change(before: LossWindow, after: LossWindow) -> float:
    return float(after.loss.mean() - before.loss.mean())


def _by_bin(bins: npt.NDArray[np.int64], loss: _Floats, size: int) -> tuple[_Floats, _Floats]:
    """(rows, mean loss) of each bin; the mean of all where a bin is empty."""
    rows = np.bincount(bins, minlength=size).astype(np.float64)
    total = np.bincount(bins, weights=loss, minlength=size)
    return rows, np.divide(total, rows, out=np.full(len(rows), float(loss.mean())), where=rows > 0)


def _named(found: Sequence[tuple[str, float]], change: float) -> list[Explained]:
    """Those that explain much of an increase, the most first."""
    if change <= 0:
        return []
    shares = [Explained(name, loss, loss / change) for name, loss in found]
    return sorted((item for item in shares if item.share >= MIN_SHARE), key=lambda item: (-item.share, item.name))
