"""`mlops contract infer | check | diff`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import msgspec
import typer

from mlops_lab.cli.errors import refuse
from mlops_lab.cli.records.tables import (
    BreachRecord,
    ContractCheck,
    ContractDifferences,
    FieldRecord,
    InferredFields,
)
from mlops_lab.cli.shared import HERE, At, Folder, Json, open_project, parse_at, print_record
from mlops_lab.contracts.fields import Field
from mlops_lab.contracts.infer import compare_fields, write_toml
from mlops_lab.errors import Refused
from mlops_lab.intake.contract import check_table, infer_table, tables_of
from mlops_lab.lineage.contract_changes import changes_since, changes_since_stored, find_conflict
from mlops_lab.loop.tick import Loop
from mlops_lab.tables.fields import table_fields

app = typer.Typer(add_completion=False, no_args_is_help=True)
Table = Annotated[str | None, typer.Argument(help="A table; default: all.")]


@app.command()
def infer(table: Table = None, project: Folder = HERE, json: Json = False) -> None:
    """Print the fields that the data suggests, to paste into mlops.toml and edit."""
    opened = open_project(project)
    found = {name: infer_table(opened, name) for name in tables_of(opened, table)}
    if json:
        print_record(InferredFields(tables={name: _record_fields(fields) for name, fields in found.items()}))
        return
    for name, fields in found.items():
        print(f"# table {name}\n{write_toml(fields)}\n")


@app.command()
def check(table: Table = None, project: Folder = HERE, at: At = None, json: Json = False) -> None:
    """List everything in the data files and in the lake that breaks the contract."""
    opened = open_project(project)
    names = tables_of(opened, table)
    now = parse_at(at) or Loop(opened).now()
    breaches = [breach for name in names for breach in check_table(opened, name, now=now)]
    if json:
        broken = [msgspec.convert(breach.as_dict(), BreachRecord) for breach in breaches]
        print_record(ContractCheck(tables=names, breaches=broken))
    else:
        for breach in breaches:
            print(breach)
        print(f"{len(names)} tables checked, {len(breaches)} rules broken")
    if breaches:
        refuse(Refused("the contract is broken", code="contract_breach", hint="fix the data, or change the contract"))


@app.command()
def diff(
    table: Table = None,
    against: Annotated[
        str | None, typer.Option(help="A git commit, such as origin/main: compare with mlops.toml there.")
    ] = None,
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Show where contract and data differ, and which changes of the contract are compatible.

    Compared are mlops.toml and the data, and mlops.toml now and before: what is stored in the lake, or with --against
    what a commit has. Ends with 1 where a change is not backward compatible, or where a live version does not fit.
    """
    opened = open_project(project)
    fields, names = table_fields(opened), tables_of(opened, table)
    changes = changes_since(opened, against) if against else changes_since_stored(opened)
    found = {name: [str(change) for change in changes.get(name, [])] for name in names}
    if against is None:
        for name in names:
            found[name] += compare_fields(fields[name], infer_table(opened, name))
    if json:
        print_record(ContractDifferences(tables=found))
    else:
        for name, differences in found.items():
            print(f"{name}: " + ("nothing" if not differences else ""))
            for difference in differences:
                print(f"  {difference}")
    if (conflict := find_conflict(opened)) is not None:
        refuse(Refused(str(conflict), code=conflict.code, hint=conflict.hint))
    if breaking := [change for name in names for change in changes.get(name, []) if change.not_backward]:
        hint = "change it so that rows from before can still be read"
        refuse(Refused(f"{len(breaking)} changes are not backward compatible", code="not_compatible", hint=hint))


def _record_fields(fields: Iterable[Field]) -> list[FieldRecord]:
    return [msgspec.convert(vars(field), FieldRecord) for field in fields]
