"""The newest moment of a project that can be trusted: one row with a wrong time does not move its clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import polars as pl

from mlops_lab import clock
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.schemas.casts import MOMENT
from mlops_lab.tables.declared import MEASUREMENTS, OUTCOMES, PREDICTIONS

MAX_JUMP = timedelta(days=30)
"""How far ahead of the rest single rows may lie."""
TRUSTED_ROWS = 10
"""As many rows that lie further ahead are no mistake: there were none for a while."""
CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far ahead of the machine's clock a moment may lie, because that clock was corrected."""


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


def trusted_of(moments: pl.Series) -> datetime | None:
    """The newest of the moments but for fewer than `TRUSTED_ROWS` that lie more than `MAX_JUMP` ahead of all others."""
    ordered = moments.sort(descending=True).head(TRUSTED_ROWS).to_list()
    trusted = ordered[0] if ordered else None
    for later, earlier in pairwise(ordered):
        if later - earlier > MAX_JUMP:
            trusted = earlier
    return _as_moment(trusted)


def _as_moment(value: object) -> datetime | None:
    return value if isinstance(value, datetime) else None
