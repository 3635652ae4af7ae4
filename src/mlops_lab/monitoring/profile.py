"""How each model input was distributed in training: the profile that detectors compare with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar, TypeVarTuple, Unpack

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

BINS = 10
MAX_CATEGORIES = 50
SAMPLE_VALUES = 512
"""So many values of a number are kept at most, evenly spaced in their order: a share read from them is at most
1 / (2 × 512) off."""
JOINT_ROWS = 512
"""Of so many rows at most the bins of all inputs are kept: what detectors of joint drift compare with."""
NULL_BIN = -1
_Asked = TypeVarTuple("_Asked")
_Result = TypeVar("_Result")
_Bins: TypeAlias = npt.NDArray[np.int64]


class Profile(msgspec.Struct, frozen=True):
    """How an input was distributed in training: inner bin edges of a number or the categories of a text, the share
    of each bin (the last one: other values), and the share of nulls.

    `rows`: how many there were. `sample`: of a number, some finite values in ascending order. `joint`: the bin
    (`NULL_BIN`: null) of some rows, the same rows for all inputs. Packages of older releases lack these three.
    """

    edges: list[float] | None
    categories: list[str] | None
    shares: list[float]
    null_share: float
    rows: int = 0
    sample: list[float] = []
    joint: list[int] = []


def make_profiles(inputs: pl.DataFrame) -> dict[str, Profile]:
    """The profile of every input; numbers are cut at their deciles."""
    kept = inputs[spread_rows(inputs.height, JOINT_ROWS)] if inputs.height else inputs
    profiles = {column.name: _make_profile(column) for column in inputs.iter_columns()}
    return {
        name: msgspec.structs.replace(profile, joint=find_bins(profile, kept[name]).tolist())
        for name, profile in profiles.items()
    }


def spread_rows(rows: int, most: int) -> _Bins:
    """The numbers of at most `most` of some rows, evenly spaced."""
    return np.arange(rows) if rows <= most else np.linspace(0, rows - 1, most).round().astype(np.int64)


def find_bins(profile: Profile, column: pl.Series) -> _Bins:
    """The bin of each value; `NULL_BIN` for nulls."""
    if profile.categories is not None:
        known: dict[Any, int] = {value: number for number, value in enumerate(profile.categories)}
        known[None] = NULL_BIN
        return np.array([known.get(value, len(profile.categories)) for value in column.to_list()], dtype=np.int64)
    values = column.cast(pl.Float64).to_numpy()
    bins = np.searchsorted(np.asarray(profile.edges), values, side="left").astype(np.int64)
    return np.where(column.is_null(), NULL_BIN, bins) if column.null_count() else bins


def bin_shares(profile: Profile, column: pl.Series) -> npt.NDArray[np.float64]:
    """The share of the column's values, nulls included in the total, that lies in each bin of the profile."""
    total, known = max(len(column), 1), len(column) - column.null_count()
    if profile.categories is not None:
        counts = _count_values(column)
        listed = [counts.get(value, 0) for value in profile.categories]
        return np.array([*listed, known - sum(listed)]) / total
    up_to_edge = np.searchsorted(sort_values(column), np.asarray(profile.edges), side="right")
    return np.diff(up_to_edge, prepend=0, append=known) / total


def null_share(column: pl.Series) -> float:
    """The share of nulls; 0 of an empty column."""
    return column.null_count() / max(len(column), 1)


def all_shares(profile: Profile, column: pl.Series) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """(in training, in the column) the share of each bin, nulls the last; both add up to 1, but for an empty column."""
    return (
        np.array([*profile.shares, profile.null_share]),
        np.array([*bin_shares(profile, column), null_share(column)]),
    )


def remember_last(function: Callable[[Unpack[_Asked]], _Result]) -> Callable[[Unpack[_Asked]], _Result]:
    """The function, which does not compute again what it was asked last: all detectors look at one column after the
    other, and sorting it is most of their work."""
    last: tuple[tuple[object, ...], _Result] | None = None

    def look(*asked: *_Asked) -> _Result:
        nonlocal last
        before, key = last, tuple[object, ...](asked)
        if before is None or any(one is not other for one, other in zip(before[0], key, strict=True)):
            last = before = key, function(*asked)
        return before[1]

    return look


@remember_last
def sort_values(column: pl.Series) -> npt.NDArray[np.float64]:
    """The values of a column of numbers without nulls, in ascending order; what is no number is last."""
    return np.sort(column.drop_nulls().cast(pl.Float64).to_numpy())


@remember_last
def sort_finite_values(column: pl.Series) -> npt.NDArray[np.float64]:
    """The finite values of a column of numbers in ascending order."""
    values = sort_values(column)
    return values[np.searchsorted(values, -np.inf, side="right") : np.searchsorted(values, np.inf)]


@remember_last
def _count_values(column: pl.Series) -> dict[Any, int]:
    return dict(column.drop_nulls().value_counts().iter_rows())


def finite_values(column: pl.Series) -> npt.NDArray[np.float64]:
    """The values of a column of numbers without nulls, infinities and what is no number."""
    values = column.drop_nulls().cast(pl.Float64).to_numpy()
    return np.asarray(values[np.isfinite(values)])


def _make_profile(column: pl.Series) -> Profile:
    if column.dtype == pl.String:
        counts = column.drop_nulls().value_counts().sort(["count", column.name], descending=[True, False])
        empty = Profile(None, counts[column.name].head(MAX_CATEGORIES).to_list(), [], null_share(column))
    else:
        values = sort_finite_values(column)  # an infinite edge could not be written as JSON
        cuts = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1])) if len(values) else np.array([])
        sample = values[spread_rows(len(values), SAMPLE_VALUES)].tolist()
        empty = Profile(cuts.tolist(), None, [], null_share(column), sample=sample)
    return msgspec.structs.replace(empty, shares=bin_shares(empty, column).tolist(), rows=len(column))
