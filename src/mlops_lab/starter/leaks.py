"""Columns that reveal the target, and rows that are sorted by it."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.stats import rankdata

NEARLY_PERFECT = 0.999
_SAMPLE = 50_000
_MIN_ROWS_PER_VALUE = 20
_MIN_ROWS = 30
_SEED = 0


def sample_rows(rows: int) -> list[int] | None:
    """The indexes of a random sample of rows, in order; None where all rows can be used."""
    if rows <= _SAMPLE:
        return None
    return sorted(np.random.default_rng(_SEED).choice(rows, _SAMPLE, replace=False).tolist())


def find_leak(column: pl.Series, truth: pl.Series, *, numeric_target: bool) -> str | None:
    """Why a column was probably not known before the target; None where there is no sign of it.

    Both have the same length; rows in which either is null do not count.
    """
    both = (
        pl.DataFrame({"c": column, "y": truth}).drop_nulls().filter(pl.all_horizontal(pl.selectors.float().is_finite()))
    )
    if both.height < _MIN_ROWS or both["y"].n_unique() < 2 or both["c"].n_unique() < 2:
        return None
    if both["c"].cast(pl.String).equals(both["y"].cast(pl.String)):
        return "equals the target"
    numeric = both["c"].dtype.is_numeric() or both["c"].dtype == pl.Boolean
    if numeric_target:
        return _leak_to_number(both, numeric=numeric)
    return _leak_to_class(both, numeric=numeric)


def _leak_to_number(both: pl.DataFrame, *, numeric: bool) -> str | None:
    truth = both["y"].cast(pl.Float64).to_numpy()
    if numeric:
        value = both["c"].cast(pl.Float64).to_numpy()
        pairs = ((value, truth), (rankdata(value), rankdata(truth)))
        if max(abs(float(np.corrcoef(*pair)[0, 1])) for pair in pairs) > 0.9999:
            return "rises and falls with the target"
        return None
    if both["c"].n_unique() * _MIN_ROWS_PER_VALUE > both.height:
        return None
    within = both.select((pl.col("y") - pl.col("y").mean().over("c")).pow(2).mean()).item()
    return "determines the target" if within < 1e-4 * float(np.var(truth)) else None


def _leak_to_class(both: pl.DataFrame, *, numeric: bool) -> str | None:
    classes = both["y"].n_unique()
    is_repeated = both["c"].n_unique() * _MIN_ROWS_PER_VALUE <= both.height
    right = both.group_by("c", "y").len().group_by("c").agg(pl.col("len").max())["len"].sum() / both.height
    base = float(both["y"].value_counts()["count"].max()) / both.height  # type: ignore[arg-type]
    if is_repeated and right >= NEARLY_PERFECT > base:
        return "determines the target" if right == 1 else "alone predicts the target nearly always"
    if not numeric:
        return None
    if classes == 2:
        is_positive = (both["y"] == both["y"].unique().sort()[1]).to_numpy()
        ranks = rankdata(both["c"].cast(pl.Float64).to_numpy())
        positives = int(is_positive.sum())
        area = (ranks[is_positive].sum() - positives * (positives + 1) / 2) / (
            positives * (len(is_positive) - positives)
        )
        if max(area, 1 - area) > NEARLY_PERFECT:
            return f"alone predicts the target nearly perfectly (AUC {max(area, 1 - area):.4f})"
        return None
    changes = both.sort("c", "y").select((pl.col("y") != pl.col("y").shift(1)).sum()).item()
    if changes - (classes - 1) <= (1 - NEARLY_PERFECT) * both.height and changes < both.height // _MIN_ROWS_PER_VALUE:
        return "alone separates the classes nearly perfectly"
    return None


def is_sorted_by(truth: pl.Series, *, numeric_target: bool) -> bool:
    """Whether the rows are sorted by the target: the last fifth differs from the rest, or neighbours are alike."""
    values = truth.drop_nulls()
    if len(values) < _MIN_ROWS:
        return False
    cut = int(0.8 * len(values))
    if numeric_target:
        return _are_numbers_sorted(values.cast(pl.Float64), cut)
    counts = values.value_counts(name="n")
    shares = counts.with_columns(pl.col("n") / len(values)).rename({values.name: "y"})
    later = values[cut:].value_counts(name="later").rename({values.name: "y"})
    compared = shares.join(later, on="y", how="left").fill_null(0)
    distance = 0.5 * float((compared["n"] - compared["later"] / (len(values) - cut)).abs().sum())
    chance = float((shares["n"] ** 2).sum())
    agreement = float((values[1:] == values[:-1]).mean())  # type: ignore[arg-type]
    noise = 1 / len(values) ** 0.5
    are_alike = agreement - chance > max(0.5 * (1 - chance), 4 * noise)
    return are_alike or (distance > 0.4 and distance > 4 * noise)


def _are_numbers_sorted(values: pl.Series, cut: int) -> bool:
    ranks = rankdata(values.to_numpy())
    if ranks.std() == 0:
        return False
    lag = float(np.corrcoef(ranks[1:], ranks[:-1])[0, 1])
    shift = abs(float(ranks[cut:].mean() - ranks[:cut].mean())) / float(ranks.std())
    return lag > 0.9 or shift > 1.2
