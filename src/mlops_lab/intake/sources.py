"""Loading the project's data files into the lake, each row exactly once."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime

from mlops_lab.contracts.tables import explain_breaches
from mlops_lab.intake.changes import changes_error
from mlops_lab.intake.complete import not_appended_error
from mlops_lab.intake.data_size import DataSize, measure_data
from mlops_lab.intake.load_memory import check_load_memory
from mlops_lab.intake.parted_table import PartedTable
from mlops_lab.intake.quarantine import set_aside
from mlops_lab.intake.read import open_table_parts
from mlops_lab.intake.table_data import DeclaredTable, TableData, declared_tables
from mlops_lab.intake.whole_table import WholeTable
from mlops_lab.lake import Lake
from mlops_lab.notes import tell
from mlops_lab.project import Project
from mlops_lab.project.declaration import SourceSection, TableSection


def load_sources(
    project: Project, lake: Lake, *, now: datetime, received_at: datetime, accept_changes: bool = False
) -> bool:
    """Bring the project's data into the lake; True if a table that was loaded before got new rows.

    All tables are checked before the first is written. A table that exists gets the rows whose key it does not hold
    yet. Data with other values than it holds, or without rows that it got from the data, is refused (Refused, and
    nothing is loaded), ignored, or taken as a correction, with `on_change = "correct"` or `accept_changes`: one more
    version of the row, received at `received_at`. Rows of a first load count as received when they were known. Ids and
    moments that the source's data lacks are made up as of `now`: see `complete_source`.

    Rows that break the contract are set aside; InvalidInput, and nothing is loaded, where too many of a file do.
    EnvironmentFault, and nothing is read, where there is too little memory for it. Large data is read in parts.
    """
    declared = declared_tables(project)
    sizes = [measure_data(project, table.data) for table in declared]
    check_load_memory(sizes)
    with ExitStack() as stack:
        tables = [_open(table, size, stack, now=now) for table, size in zip(declared, sizes, strict=True)]
        _check(project, tables)
        changes = {data.table.name: data.find_changes(lake) for data in tables if lake.exists(data.table.name)}
        source = project.settings.source
        if source.id in tables[0].made_up and source.table in changes and changes[source.table].is_correction:
            raise not_appended_error(project)
        sections: dict[str, SourceSection | TableSection] = {source.table: source, **project.settings.tables}
        on_change = {name: section.on_change for name, section in sections.items()}
        refused = [one for name, one in changes.items() if one.is_correction and on_change[name] == "refuse"]
        if refused and not accept_changes:
            raise changes_error(refused)
        for data in tables:
            if data.aside_height:
                set_aside(lake, received_at, table=data.table.name, rows=data.aside())
        has_new_rows = False
        for data in tables:
            if data.table.name not in changes:
                data.append(lake)
                continue
            with_corrections = accept_changes or on_change[data.table.name] == "correct"
            has_new_rows |= data.append_changes(lake, received_at, with_corrections=with_corrections)
        return has_new_rows


def _open(table: DeclaredTable, size: DataSize, stack: ExitStack, *, now: datetime) -> TableData:
    if not size.is_large:
        return WholeTable(table, now=now)
    return PartedTable(table, stack.enter_context(open_table_parts(table.project, table.name)), now=now)


def _check(project: Project, tables: list[TableData]) -> None:
    """InvalidInput where too many rows are set aside, or an outcome was known too early."""
    for data in tables:
        if data.aside_height > project.settings.contract.max_quarantined_share * data.height:
            raise explain_breaches(data.breaches())
    first = tables[0]
    first.check_order()
    if project.settings.project.clock == "wall" and (later := first.count_later()):
        name = project.settings.source.table
        tell(f"{later:,} of {first.height:,} rows of {name} are in the future: they play no part until then")
