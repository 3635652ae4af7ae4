"""`mlops gc`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from mlops_lab.cli.records.upkeep import GarbageRecord, record_garbage
from mlops_lab.cli.shared import HERE, Folder, Json, console, open_project, print_record, print_table
from mlops_lab.loop.collect import collect_garbage, find_garbage
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.tables.open_lake import open_lake


def command(
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it, only say what would be done.")] = False,
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Put small files together, write checkpoints, and delete what nobody needs any more.

    The loop does this by itself, bit by bit. Files stay for an hour, and commits for six, after they were needed last.
    What a registered version was trained on, a reader at work, or a legal hold (`mlops hold`) needs always stays.
    """
    opened = open_project(project)
    lake = open_lake(opened)
    act = collect_garbage if yes else find_garbage
    with console.status("tables"):
        record = record_garbage(act(opened, lake, read_decisions(lake)), done=yes)
    if json:
        print_record(record)
        return
    _render(record)


def _render(record: GarbageRecord) -> None:
    table = Table("table", "files", "small", "unneeded", "MB", "commits", "old versions", box=None, header_style="bold")
    for item in record.tables:
        if item.problem:
            console.print(f"{item.table}: {item.problem}", highlight=False, markup=False)
            continue
        megabytes = f"{item.unneeded_bytes / 1e6:,.1f}"
        counts = [item.files, item.small_files, item.unneeded_files]
        table.add_row(
            item.table,
            *(f"{count:,}" for count in counts),
            megabytes,
            f"{item.commits:,}",
            f"{len(item.free_versions):,}",
        )
    print_table(table)
    for needed in record.needed:
        print(f"stays: {needed.table}@{needed.version}, for {', '.join(needed.by)}")
    for package in record.unknown:
        print(f"no old version was let go: {package} cannot be read, and may need it")
    if record.done:
        print("done; what was replaced just now is free in an hour")
    else:
        print("nothing was changed: `mlops gc --yes` puts small files together and deletes the rest")
