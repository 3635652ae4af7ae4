"""The newest moment in the tables of a project."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from mlops_lab import clock
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.schemas.casts import MOMENT
from mlops_lab.tables.declared import MEASUREMENTS, OUTCOMES, PREDICTIONS
from mlops_lab.tables.trusted_moments import CLOCK_TOLERANCE, TRUSTED_ROWS, trusted_of

_NO_BOUND = datetime.max.replace(tzinfo=UTC)


def trusted_newest(project: Project, lake: Lake) -> datetime | None:
    """The newest moment of the project's rows and measurements; None where there are none.

    With the machine's clock, of those that are not in the future; with the clock of the data, of those that do not lie
    far ahead of the rest.
    """
    source = project.settings.source
    tables = (PREDICTIONS, OUTCOMES, MEASUREMENTS)
    columns = [(source.table, source.known_at), *((table.name, table.time) for table in tables)]
    known = [(table, column) for table, column in columns if lake.exists(table)]
    if project.settings.project.clock == "wall":
        limit = clock.now() + CLOCK_TOLERANCE
        newest = [newest_moments(lake, table, column, count=1, until=limit) for table, column in known]
        return clock.latest(*(_as_moment(part.max()) for part in newest))
    newest = [newest_moments(lake, table, column, count=TRUSTED_ROWS).rename("moment") for table, column in known]
    return trusted_of(pl.concat(newest)) if newest else None


def newest_moments(lake: Lake, table: str, column: str, *, count: int, until: datetime | None = None) -> pl.Series:
    """The `count` newest moments of a column, of those up to `until`. Only the files that may hold them are read."""
    found = pl.Series(column, dtype=MOMENT)
    for file in sorted(lake.bounds(table, column), key=lambda file: file.greatest or _NO_BOUND, reverse=True):
        oldest = found.min() if len(found) == count else None
        if isinstance(oldest, datetime) and not file.may_reach(oldest):
            break
        for rows in lake.read_files(table, [file.path], columns=[column]):
            moments = rows[column].drop_nulls().cast(MOMENT)
            found = found.append(moments.filter(moments <= until) if until else moments).top_k(count)
    return found


def _as_moment(value: object) -> datetime | None:
    return value if isinstance(value, datetime) else None
