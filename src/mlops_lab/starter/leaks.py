"""Columns that reveal the target, and rows that are sorted by it."""

from __future__ import annotations

import numpy as np
import polars as pl

from mlops_lab.training.column_skill import MIN_ROWS, ColumnSkill, measure_skill

_SAMPLE = 20_000
_IN_STEP = 0.9999
_SEED = 0


def sample_rows(rows: int) -> list[int] | None:
    """The indexes of a random sample of rows, in order; None where all rows can be used."""
    if rows <= _SAMPLE:
        return None
    return sorted(np.random.default_rng(_SEED).choice(rows, _SAMPLE, replace=False).tolist())


def find_leak(column: pl.Series, truth: pl.Series, *, numeric_target: bool) -> str | None:
    """Why a column was probably not known before the target; None where there is no sign of it.

    Both have the same length; rows in which either is null do not count, except that being null may itself tell.
    """
    both = (
        pl.DataFrame({"c": column, "y": truth}).drop_nulls().filter(pl.all_horizontal(pl.selectors.float().is_finite()))
    )
    if both.height >= MIN_ROWS and both["y"].n_unique() > 1 and both["c"].n_unique() > 1:
        if both["c"].cast(pl.String).equals(both["y"].cast(pl.String)):
            return "equals the target"
        is_numeric = both["c"].dtype.is_numeric() or both["c"].dtype == pl.Boolean
        if numeric_target and is_numeric and _are_in_step(both):
            return "rises and falls with the target"
        found = measure_skill(both["c"], both["y"], has_classes=not numeric_target)
        if found is not None and found.is_nearly_perfect:
            return _describe(found)
    if numeric_target or not 0 < column.null_count() < len(column):
        return None
    found = measure_skill(column.is_null(), truth, has_classes=True)
    return f"whether it is missing {_describe(found)}" if found is not None and found.is_nearly_perfect else None


def _are_in_step(both: pl.DataFrame) -> bool:
    """Whether numbers and target are on a line, or their ranks are."""
    value, truth = (both[name].cast(pl.Float64) for name in ("c", "y"))
    pairs = ((value, truth), (value.rank(), truth.rank()))
    return max(abs(float(np.corrcoef(*pair)[0, 1])) for pair in pairs) > _IN_STEP


def _describe(found: ColumnSkill) -> str:
    if found.skill == 1:
        return f"determines the target ({found})"
    return f"alone predicts the target nearly perfectly ({found} on rows held out)"


def is_sorted_by(truth: pl.Series, *, numeric_target: bool) -> bool:
    """Whether the rows are sorted by the target: the last fifth differs from the rest, or neighbours are alike."""
    values = truth.drop_nulls()
    if len(values) < MIN_ROWS:
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
    ranks = values.rank("average").to_numpy()
    if ranks.std() == 0:
        return False
    lag = float(np.corrcoef(ranks[1:], ranks[:-1])[0, 1])
    shift = abs(float(ranks[cut:].mean() - ranks[:cut].mean())) / float(ranks.std())
    return lag > 0.9 or shift > 1.2
