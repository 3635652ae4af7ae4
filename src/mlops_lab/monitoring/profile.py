"""How each model input was distributed in training: the profile that detectors compare with."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

BINS = 10
MAX_CATEGORIES = 50


class Profile(msgspec.Struct, frozen=True):
    """How an input was distributed in training: inner bin edges of a number or the categories of a text, the share
    of each bin (the last one: other values), and the share of nulls."""

    edges: list[float] | None
    categories: list[str] | None
    shares: list[float]
    null_share: float


def make_profiles(inputs: pl.DataFrame) -> dict[str, Profile]:
    """The profile of every input; numbers are cut at their deciles."""
    return {column.name: _make_profile(column) for column in inputs.iter_columns()}


def bin_shares(profile: Profile, column: pl.Series) -> npt.NDArray[np.float64]:
    """The share of the column's values, nulls included in the total, that lies in each bin of the profile."""
    total = max(len(column), 1)
    known = column.drop_nulls()
    if profile.categories is not None:
        counts: dict[Any, int] = dict(known.value_counts().iter_rows())
        listed = [counts.get(value, 0) for value in profile.categories]
        return np.array([*listed, len(known) - sum(listed)]) / total
    edges = np.asarray(profile.edges)
    bins = np.searchsorted(edges, known.cast(pl.Float64).to_numpy(), side="left")
    return np.bincount(bins, minlength=len(edges) + 1) / total


def null_share(column: pl.Series) -> float:
    """The share of nulls; 0 of an empty column."""
    return column.null_count() / max(len(column), 1)


def _make_profile(column: pl.Series) -> Profile:
    if column.dtype == pl.String:
        counts = column.drop_nulls().value_counts().sort(["count", column.name], descending=[True, False])
        empty = Profile(None, counts[column.name].head(MAX_CATEGORIES).to_list(), [], null_share(column))
    else:
        values = column.drop_nulls().cast(pl.Float64).to_numpy()
        values = values[np.isfinite(values)]  # an infinite edge could not be written as JSON
        cuts = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1])) if len(values) else np.array([])
        empty = Profile(cuts.tolist(), None, [], null_share(column))
    return msgspec.structs.replace(empty, shares=bin_shares(empty, column).tolist())
