"""The facts of a whole project as servers have seen them, read all at once: what everything that reads less must equal."""

from __future__ import annotations

import polars as pl

from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.tables.declared import OUTCOMES
from mlops_lab.tables.facts import concat_facts, facts_of, identity_of
from mlops_lab.tables.fields import table_schemas
from mlops_lab.tables.versions import with_retractions


def read_served_facts(project: Project, lake: Lake) -> dict[str, pl.DataFrame]:
    """By table, received when they really were, and each corrected one in all its versions (`tables.versions`)."""
    source = project.settings.source
    own = [source.table, *([OUTCOMES.name] if OUTCOMES.exists(lake) else [])]
    facts = {source.table: concat_facts([_served(project, lake, table) for table in own])}
    facts[source.table] = facts[source.table].sort(source.time, "_fact_id")
    facts |= {table: _served(project, lake, table) for table in project.settings.tables}
    return {table: with_retractions(rows, identity_of(project, table)) for table, rows in facts.items()}


def _served(project: Project, lake: Lake, table: str) -> pl.DataFrame:
    empty = pl.DataFrame(schema=table_schemas(project).get(table, {}))
    return facts_of(project, table, lake.read(table) if lake.exists(table) else empty, as_served=True)
