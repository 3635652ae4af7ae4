"""The newest moment in the tables of a project."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from mlops_lab import clock
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.schemas.casts import MOMENT
from mlops_lab.tables.declared import MEASUREMENTS, OUTCOMES, PREDICTIONS
from mlops_lab.tables.trusted_moments import CLOCK_TOLERANCE, TRUSTED_ROWS, trusted_of


def trusted_newest(project: Project, lake: Lake) -> datetime | None:
    """The newest moment of the project's rows and measurements; None where there are none.

    With the machine's clock, of those that are not in the future; with the clock of the data, of those that do not lie
    far ahead of the rest.
    """
    source = project.settings.source
    tables = (PREDICTIONS, OUTCOMES, MEASUREMENTS)
    known = [(source.table, source.known_at), *((table.name, table.time) for table in tables)]
    moments = [lake.read(table, columns=[column])[column] for table, column in known if lake.exists(table)]
    if project.settings.project.clock == "wall":
        limit = clock.now() + CLOCK_TOLERANCE
        return clock.latest(*(_as_moment(part.filter(part <= limit).max()) for part in moments))
    newest = [part.drop_nulls().top_k(TRUSTED_ROWS).cast(MOMENT).rename("moment") for part in moments]
    return trusted_of(pl.concat(newest)) if newest else None


def _as_moment(value: object) -> datetime | None:
    return value if isinstance(value, datetime) else None
