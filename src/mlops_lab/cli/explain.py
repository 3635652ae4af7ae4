"""`mlops explain ID`."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from mlops_lab.cli.shared import HERE, Folder, Json, open_project, print_json, print_table
from mlops_lab.lineage.explain import explain


def command(
    prediction_id: Annotated[str, typer.Argument(metavar="ID", help="The id of a prediction.")],
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Request, features, version, run, training data, code, environment, outcome."""
    found = explain(open_project(project), prediction_id)
    if json:
        print_json(found)
        return
    version = found["version"]
    table = Table(box=None, show_header=False)
    table.add_column(style="bold")
    table.add_row("prediction", f"{found['id']}  at {found['at']}")
    table.add_row("output", f"{_output(found['output'])}  ({found['role']}, version {version['number']})")
    table.add_row("outcome", _pairs(found["outcome"]) if found["outcome"] else "not known yet")
    table.add_row("request", _pairs(found["request"]))
    table.add_row("features", _pairs(found["features"]))
    table.add_row("run", version["run_id"])
    table.add_row("package", f"{version['package']}  {version['fingerprint'][:16]}")
    for snapshot in version["snapshots"]:
        table.add_row("trained on", f"{snapshot['name']}  {snapshot['rows']:,} rows  {snapshot['fingerprint'][:16]}")
    table.add_row(
        "training set", f"{version['rows']:,} rows before {version['cutoff']}  {version['training_set'][:16]}"
    )
    table.add_row("code", f"commit {version['commit']}, files {version['code'][:16]}")
    table.add_row("environment", version["environment"][:16])
    for decision in found["decisions"]:
        table.add_row(decision["what"], f"{decision['at']}  {decision['reason']}")
    print_table(table)


def _pairs(values: dict[str, Any]) -> str:
    return "  ".join(f"{name}={'-' if value is None else value}" for name, value in values.items())


def _output(output: float | list[float]) -> str:
    return ", ".join(f"{value:.6f}" for value in output) if isinstance(output, list) else f"{output:.6f}"
