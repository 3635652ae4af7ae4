"""docs/tools.md, made from the list of exporters: what each tool gets, and what tested it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from mlops_lab.exporters.catalog import EXPORTERS
from mlops_lab.exporters.exporter import Exporter

_INTRODUCTION = """# The project in other tools

`mlops export TOOL DIR` writes the project for another tool. `mlops export list` says which there are, and
`mlops export check TOOL DIR` what would change in a folder that was written before. What is written runs on the same
lake as `mlops run`, with the same commands, and holds no secret: its README.md names the variables that the steps need.
The tools are no dependencies of MLOps Lab.

This page is made from `src/mlops_lab/exporters/catalog.py`. Do not edit it: run `make schema`.

## What was exported, and what read it

`make test-tools` installs each tool in an environment of its own, lets it read and run what was exported, and prints
this table with the results. *Unchecked* is what cannot run on such a machine.

| tool | what is exported | read by | what it said | *unchecked* |
|---|---|---|---|---|
"""
_ALSO = """
## The other way

`mlops import mlflow` registers [a model that MLflow has logged](models.md#models-trained-elsewhere), and
`mlops import dvc` brings [data that DVC tracks](starting.md#data-that-dvc-tracks). Both are tested with the tools.

## The tables

DuckDB reads the project's tables with its own extension for Delta. Spark's client reads them from Sail, an engine that
speaks Spark's protocol. Both find the rows and values that we read. *Unchecked*: Spark itself, as its jar for Delta is
in no package that the tests can install.

## What there is no exporter for

- Feathr: its package needs pyarrow 9, which cannot be built for Python 3.11, so nothing could load the definitions.
"""


def render_tools(exporters: Sequence[Exporter] = EXPORTERS) -> str:
    """The page in Markdown."""
    return _INTRODUCTION + "".join(map(_render_row, exporters)) + _ALSO


def _render_row(tool: Exporter) -> str:
    cells = (f"`{tool.name}`", tool.summary, tool.read_by, tool.said, tool.unchecked)
    return "| " + " | ".join(cell or "–" for cell in cells) + " |\n"


if __name__ == "__main__":  # `make schema`
    Path(sys.argv[1]).write_text(render_tools(), encoding="utf-8")
