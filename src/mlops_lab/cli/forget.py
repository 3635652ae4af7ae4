"""`mlops forget --key VALUE`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from mlops_lab.cli.records.erasures import ErasureList, ForgetRecord, record_erasure, record_traces
from mlops_lab.cli.shared import HERE, Folder, Json, console, local, open_project, print_record, print_table
from mlops_lab.errors import InvalidInput
from mlops_lab.loop.erasures import read_erasures
from mlops_lab.loop.people import acting_person
from mlops_lab.project import Project
from mlops_lab.runtime.erasure.forget import find_traces, forget
from mlops_lab.tables.open_lake import open_lake


def command(
    key: Annotated[str | None, typer.Option(help="The person's key.", metavar="VALUE")] = None,
    column: Annotated[
        str | None, typer.Option(help="The request field that holds the key.", show_default="key of [source]")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Erase; without it, only say what there is.")] = False,
    past: Annotated[bool, typer.Option("--list", help="List what was erased before; give no key.")] = False,
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Erase a person's rows: from all tables and their old versions, journals, quarantine and caches.

    Without --yes nothing is erased. Copies of replaced files go an hour later, with a tick or `mlops gc --yes`. What
    stays is a record without the data, and the list of versions that have learned from the rows: their models are not
    changed. Backups, exports and data files outside of the project are not reached: delete the rows there yourself.
    """
    opened = open_project(project)
    if past:
        _list(opened, json=json)
        return
    if not key:
        raise InvalidInput("no key is given", code="no_key", where="--key", hint="mlops forget --key c1042")
    with console.status("tables"):
        if yes:
            traces, erasure = forget(opened, key, column=column, by=acting_person(opened))
        else:
            traces, erasure = find_traces(opened, key, column=column), None
    record = record_traces(traces, erasure, done=yes)
    print_record(record) if json else _render(record)


def _render(record: ForgetRecord) -> None:
    for table in sorted({*record.rows, *record.old_rows}):
        rows, old = record.rows.get(table, 0), record.old_rows.get(table, 0)
        print(f"{table}: {rows:,} rows" + (f", and {old:,} in old versions" if old else ""))
    if record.records:
        print(f"journals: {record.records:,} records")
    if record.versions:
        print(f"have learned from such rows: version {', '.join(map(str, record.versions))}")
    for name, reason in record.unread.items():
        print(f"could not be looked at: the data of {name}: {reason}")
    if not (record.rows or record.old_rows or record.records):
        print("nothing is stored of this key")
    if record.erasure is not None:
        assert record.erasure.due is not None
        print(f"erased; kept copies of files go with the first tick after {record.erasure.due}")
        print("not reached: backups, exports, and data files outside of the project")
    elif not record.done:
        for hold in record.holds:
            print(f"in the way: hold {hold}")
        for name, rows in record.in_data.items():
            print(f"in the way: the project's data still has {rows:,} rows of {name}; delete them there first")
        print("nothing was erased: `mlops forget --key VALUE --yes` does it")


def _list(project: Project, *, json: bool) -> None:
    erasures = read_erasures(open_lake(project))
    if json:
        print_record(ErasureList(erasures=[record_erasure(item) for item in erasures]))
        return
    if not erasures:
        print("nothing was erased yet")
        return
    table = Table("erasure", "at", "state", "by", "rows", "versions that had learned", box=None, header_style="bold")
    for item in erasures:
        rows = ", ".join(f"{name}: {count:,}" for name, count in item.rows.items())
        versions = ", ".join(map(str, item.versions))
        table.add_row(item.erasure, local(item.at, project), item.event, item.by, rows, versions)
    print_table(table)
