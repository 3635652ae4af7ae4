"""The tables that a version was trained on, in the format of Croissant (JSON-LD).

Paths of files are relative to the project's folder: a copy of the file there is one that `mlcroissant` can load.
"""

from __future__ import annotations

import glob
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import polars as pl

from mlops_lab.lineage.documents.document import write_json
from mlops_lab.lineage.documents.table_facts import ColumnFacts, FileFacts, TableFacts
from mlops_lab.lineage.documents.version_facts import VersionFacts

FILE = "croissant.json"
_PARQUET = "application/x-parquet"
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "sc": "https://schema.org/",
    "dct": "http://purl.org/dc/terms/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{
        name: f"cr:{name}"
        for name in (
            *("citeAs", "column", "equivalentProperty", "extract", "field", "fileObject", "fileProperty", "fileSet"),
            *("format", "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet"),
            *("references", "regex", "repeated", "replace", "samplingRate", "separator", "source", "subField"),
            "transform",
        )
    },
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
}


@dataclass(frozen=True)
class _Part:
    """The files of a table that have the same columns: a record set has all its columns in each of its files. `number`
    is empty where they are all files."""

    table: TableFacts
    number: str
    files: Sequence[FileFacts]

    @property
    def name(self) -> str:
        return " ".join(filter(None, (self.table.name, self.number)))

    @property
    def columns(self) -> list[ColumnFacts]:
        return [column for column in self.table.columns if column.name in self.files[0].columns]


def make(facts: VersionFacts) -> dict[str, bytes]:
    """The description of all tables of the version: a record set of each, or several, where files lack columns that the
    table got later."""
    parts = [part for table in facts.tables for part in _parts(table)]
    content = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": f"{facts.project}-{facts.origin.number}",
        "description": _describe(facts),
        "version": f"{facts.origin.number}.0.0",
        "dateCreated": facts.trained_at.isoformat(),
        "distribution": [item for part in parts for item in _distribution(part)],
        "recordSet": [_record_set(part) for part in parts],
    }
    return {FILE: write_json(content)}


def _parts(table: TableFacts) -> list[_Part]:
    by_columns: dict[tuple[str, ...], list[FileFacts]] = {}
    for file in table.files:
        by_columns.setdefault(tuple(sorted(file.columns)), []).append(file)
    groups = sorted(by_columns.values(), key=lambda files: files[0].path)
    if len(groups) == 1:
        return [_Part(table, "", groups[0])]
    return [_Part(table, str(number), files) for number, files in enumerate(groups, start=1)]


def _describe(facts: VersionFacts) -> str:
    tables = "; ".join(
        f"{table.snapshot.name}, {table.snapshot.rows} rows, fingerprint {table.snapshot.fingerprint}"
        for table in facts.tables
    )
    return (
        f"The tables that {facts.title} was trained on: {tables}. It learned from {facts.origin.rows} rows before "
        f"{facts.origin.cutoff}, fingerprint {facts.origin.training_set}."
    )


def _distribution(part: _Part) -> list[dict[str, Any]]:
    """Each file with its hash, and all of them as one set, which the records are read from."""
    together = {
        "@type": "cr:FileSet",
        "@id": _id(part, "files"),
        "name": f"files of {part.name}",
        "encodingFormat": _PARQUET,
        "includes": [glob.escape(file.path) for file in part.files],
    }
    return [together, *(_file(part, file) for file in part.files)]


def _file(part: _Part, file: FileFacts) -> dict[str, Any]:
    name = file.path.rpartition("/")[2]
    return {
        "@type": "cr:FileObject",
        "@id": _id(part, "files", name),
        "name": name,
        "contentUrl": quote(file.path),
        "contentSize": f"{file.size_bytes} B",
        "encodingFormat": _PARQUET,
        "sha256": file.sha256,
    }


def _record_set(part: _Part) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": _id(part),
        "name": part.name,
        "description": f"rows of {part.table.snapshot.name}, which has {part.table.snapshot.rows} rows",
        "field": [_field(part, column) for column in part.columns],
    }


def _field(part: _Part, column: ColumnFacts) -> dict[str, Any]:
    bounds = f", from {column.smallest} to {column.largest}" if column.smallest is not None else ""
    return {
        "@type": "cr:Field",
        "@id": _id(part, "column", column.name),
        "name": column.name,
        "description": f"in the whole table {column.nulls} values missing, {column.distinct} different ones{bounds}",
        "dataType": _data_type(column.dtype),
        "source": {"fileSet": {"@id": _id(part, "files")}, "extract": {"column": column.name}},
    }


def _data_type(dtype: pl.DataType) -> str:
    if dtype == pl.Boolean:
        return "sc:Boolean"
    if dtype.is_integer():
        return "sc:Integer"
    if dtype.is_numeric():
        return "sc:Float"
    if dtype == pl.Date:
        return "sc:Date"
    return "sc:DateTime" if dtype.is_temporal() else "sc:Text"


def _id(part: _Part, *names: str) -> str:
    """An identifier that any names fit into."""
    return "/".join(quote(name, safe="") for name in (part.table.name, part.number, *names) if name)
