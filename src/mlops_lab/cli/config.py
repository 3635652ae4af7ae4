"""`mlops config show | schema`."""

from __future__ import annotations

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from mlops_lab.cli.records.projects import ConfigRecord, SettingRecord
from mlops_lab.cli.shared import HERE, Folder, Json, open_project, print_record, print_table
from mlops_lab.project import CONFIG_NAME
from mlops_lab.project.layers import Origin
from mlops_lab.project.listing import list_settings
from mlops_lab.project.schema import json_schema

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.command()
def show(project: Folder = HERE, json: Json = False) -> None:
    """List every key with its value and its origin: mlops.toml, a variable, --set, or the default."""
    opened = open_project(project)
    found = list_settings(opened)
    if json:
        settings = [msgspec.convert(setting.as_dict(), SettingRecord) for setting in found]
        print_record(ConfigRecord(config=str(opened.root / CONFIG_NAME), settings=settings))
        return
    table = Table("key", "value", "from", box=None, header_style="bold")
    table.columns[1].overflow = "fold"
    section = None
    for one in found:
        if one.section != section:
            section = one.section
            table.add_row(Text(f"[{section}]", "bold"))
        value = "none" if one.value is None else msgspec.json.encode(one.value).decode()
        table.add_row(Text(f"  {one.name}"), Text(value), _origin(one.origin))
    print_table(table)


@app.command()
def schema(json: Json = False) -> None:
    """Print the JSON schema of mlops.toml, for editors: save it beside the file."""
    del json  # it is JSON, with and without
    print(msgspec.json.format(msgspec.json.encode(json_schema())).decode())


def _origin(origin: Origin) -> Text:
    style = {"default": "dim", "mlops.toml": ""}.get(origin.layer, "cyan")
    return Text(origin.name or "default", style)
