"""`mlops status`."""

from __future__ import annotations

from rich.table import Table

from mlops_lab.cli.shared import HERE, Folder, Json, open_project, print_json, print_table
from mlops_lab.loop.status import describe


def command(project: Folder = HERE, json: Json = False) -> None:
    """What is live and why, how it did on its last day, what is waiting for what."""
    opened = open_project(project)
    found = describe(opened)
    if json:
        print_json(found)
        return
    table = Table(box=None, show_header=False)
    table.add_column(style="bold")
    table.add_row("project", f"{opened.name} in {opened.root}")
    table.add_row("server", found["server"] or "not running; start it with `mlops serve`")
    champion = found["champion"]
    table.add_row("champion", f"version {champion}, since {found['since']}" if champion else "none; run `mlops run`")
    if found["challenger"]:
        table.add_row("challenger", f"version {found['challenger']}, {found['stage']}")
    for name, value in found["quality"].items():
        table.add_row(name.replace("_", " "), f"{value:.4f}")
    table.add_row("predictions", f"{found['predictions']:,}, {found['pending']:,} without an outcome")
    if found["unknown_outcomes"] or found["conflicting_outcomes"]:
        table.add_row("set aside", f"{found['unknown_outcomes']} unknown, {found['conflicting_outcomes']} conflicting")
    if (last := found["last_decision"]) is not None:
        table.add_row("last decision", f"{last['what']}: {last['reason']}")
    print_table(table)
