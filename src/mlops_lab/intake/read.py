"""Reading data as the project declares it: which columns are text, left out, or renamed."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import polars as pl

from mlops_lab.contracts.fields import Field
from mlops_lab.lake.batches import Batch, read_batches
from mlops_lab.lake.columns import ColumnSelection
from mlops_lab.lake.parts import Parts, open_parts
from mlops_lab.lake.read_options import ReadOptions
from mlops_lab.lake.remote import drop_downloads
from mlops_lab.lake.sources import read_data
from mlops_lab.project import Project
from mlops_lab.project.declaration import SourceSection, TableSection
from mlops_lab.tables.fields import request_fields, table_fields


def read_table(project: Project, name: str) -> pl.DataFrame:
    """All rows that the data of a declared table has, under the names of its fields."""
    section = _section(project, name)
    selection = _selection(section, table_fields(project)[name])
    drop_downloads(project.downloads_path, keep=project.settings.named_data)
    return read_data(
        section.data, query=section.query, root=project.root, selection=selection, cache=project.downloads_path
    )


@contextmanager
def open_table_parts(project: Project, name: str) -> Iterator[Parts]:
    """The same rows, to be read part by part; of data on this machine."""
    section = _section(project, name)
    with open_parts(project.root / section.data, _selection(section, table_fields(project)[name])) as parts:
        yield parts


def read_rows(project: Project, name: str, file: str | Path, fields: Sequence[Field]) -> pl.DataFrame:
    """The rows of a file that belong to a declared table: outcomes, or more rows of it."""
    return read_data(file, selection=_selection(_section(project, name), fields))


def read_requests(project: Project, data: str | Path) -> Generator[Batch]:
    """The requests of a file, in batches: their fields and, where there are any, their ids.

    An id is the column `id`, as in a request to the server, or the id of the source table; other columns are left out.
    """
    source = project.settings.source
    fields = [Field(name, "string", nullable=True) for name in ("id", source.id)] + list(request_fields(project))
    selection = replace(_selection(source, fields), only=frozenset(field.name for field in fields))
    return read_batches(data, selection=selection)


def _section(project: Project, name: str) -> SourceSection | TableSection:
    source = project.settings.source
    return source if name == source.table else project.settings.tables[name]


def _selection(section: SourceSection | TableSection, fields: Sequence[Field]) -> ColumnSelection:
    text = frozenset(field.name for field in fields if field.kind == "string")
    options = ReadOptions(section.encoding, tuple(section.names), section.decimal, tuple(section.na), section.sheet)
    return ColumnSelection(text, section.rename, frozenset(section.skip), options=options)
