"""`mlops package VERSION --edge DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mlops_lab.cli.records.package import PackageRecord
from mlops_lab.cli.shared import HERE, Folder, Json, open_project, print_record
from mlops_lab.exporters.edge.agreement import describe_agreement
from mlops_lab.exporters.edge.export import export_edge


def command(
    version: Annotated[int, typer.Argument(help="The number of a registered version.")],
    edge: Annotated[Path, typer.Option(help="A new or empty folder.", metavar="DIR")],
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Write a version into a folder that answers in browsers, or in Python with onnxruntime only; check its answers."""
    agreement = export_edge(open_project(project), version, edge)
    if json:
        print_record(PackageRecord(folder=str(edge), agreement=agreement))
        return
    print(f"version {version} in {edge}")
    for line in describe_agreement(agreement):
        print(line)
    print(f"next: `npm install && npm start` in {edge}, then open the page; its README.md has the details")
