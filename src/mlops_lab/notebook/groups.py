"""Groups of rows: by a column, by day, or by an expression; a column of many different numbers in quarters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import polars as pl

from mlops_lab.errors import InvalidInput
from mlops_lab.project import Project

By: TypeAlias = str | pl.Expr

DAY = "day"
QUARTERS, MAX_VALUES, MAX_GROUPS = 4, 20, 1_000


@dataclass(frozen=True)
class Groups:
    """What rows are grouped by, the value of each group, and the indexes of its rows."""

    name: str
    values: pl.Series
    indexes: list[pl.Series]


def group_rows(project: Project, rows: pl.DataFrame, by: By) -> Groups:
    """The groups of the rows by `by`: numbers and days ascending, text with the most rows first, null last.

    "day" is the calendar day of the request in the project's time zone, unless a column has that name. InvalidInput
    where there is no such column, or far too many groups.
    """
    keys = _keys(project, rows, by)
    if keys.dtype.is_numeric() and keys.n_unique() > MAX_VALUES:
        keys = _quarter(keys)
    if keys.n_unique() > MAX_GROUPS:
        raise InvalidInput(
            f"{keys.n_unique():,} groups are too many to compare",
            code="too_many_groups",
            where="evaluate(by=...)",
            hint='group by an expression that has fewer values, such as pl.col("name").str.head(1)',
        )
    is_text = keys.dtype == pl.String
    groups = (
        pl.DataFrame({"key": keys})
        .with_row_index("index")
        .group_by("key")
        .agg(pl.col("index"), rows=pl.len())
        .sort(pl.col("key").is_null(), *([-pl.col("rows").cast(pl.Int64)] if is_text else []), "key")
    )
    if keys.dtype == pl.Enum:  # quarters
        groups = groups.with_columns(pl.col("key").cast(pl.String))
    return Groups(keys.name, groups["key"], list(groups["index"]))


def _keys(project: Project, rows: pl.DataFrame, by: By) -> pl.Series:
    if isinstance(by, str) and by == DAY and DAY not in rows.columns:
        moment = pl.col(project.settings.source.time)
        by = moment.dt.convert_time_zone(project.timezone).dt.date().alias(DAY)
    try:
        keys = rows.select(by).to_series()
        if len(keys) != rows.height:
            raise pl.exceptions.ShapeError(f"{len(keys)} values for {rows.height} rows")
        return keys
    except pl.exceptions.PolarsError as error:
        raise InvalidInput(
            f"cannot group by this: {str(error).splitlines()[0]}",
            code="bad_group",
            where="evaluate(by=...)",
            hint=f'write an expression, "{DAY}", or one of {", ".join(rows.columns)}',
        ) from None


def _quarter(numbers: pl.Series) -> pl.Series:
    """The quarter of each number: four groups of about equal size, named by their smallest and largest number."""
    ranks = (numbers.rank("min") - 1) * QUARTERS // numbers.count()
    frame = pl.DataFrame({"number": numbers, "part": ranks})
    edges = (
        frame.drop_nulls().group_by("part").agg(low=pl.col("number").min(), high=pl.col("number").max()).sort("part")
    )
    names = [f"{low:g} to {high:g}" if low != high else f"{low:g}" for _, low, high in edges.iter_rows()]
    return frame["part"].replace_strict(edges["part"], names, return_dtype=pl.Enum(names)).alias(numbers.name)
