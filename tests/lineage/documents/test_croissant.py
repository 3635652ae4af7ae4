from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from typing import Any

import polars as pl
import pytest

from mlops_lab.lineage.documents.croissant import FILE, _data_type, make
from mlops_lab.lineage.documents.version_facts import VersionFacts
from mlops_lab.project import Project


def test_files_are_those_that_were_trained_on(facts: VersionFacts, live_project: Project) -> None:
    content: dict[str, Any] = json.loads(make(facts)[FILE])
    files = [part for part in content["distribution"] if part["@type"] == "cr:FileObject"]
    rows = 0
    for file in files:
        path = live_project.root / file["contentUrl"]
        assert sha256(path.read_bytes()).hexdigest() == file["sha256"]
        assert file["contentSize"] == f"{path.stat().st_size} B"
        rows += pl.read_parquet(path).height
    assert rows == sum(table.snapshot.rows for table in facts.tables)


def test_each_record_set_has_the_columns_of_all_its_files(facts: VersionFacts, live_project: Project) -> None:
    content: dict[str, Any] = json.loads(make(facts)[FILE])
    sets = {part["@id"]: part for part in content["distribution"] if part["@type"] == "cr:FileSet"}
    for records in content["recordSet"]:
        columns = {field["source"]["extract"]["column"] for field in records["field"]}
        (files,) = {field["source"]["fileSet"]["@id"] for field in records["field"]}
        for path in sets[files]["includes"]:
            assert set(pl.read_parquet_schema(live_project.root / path)) == columns


def test_files_that_lack_later_columns_are_a_record_set_of_their_own(facts: VersionFacts) -> None:
    table = facts.tables[0]
    (file,) = table.files
    older = replace(file, path=file.path.replace("part-", "part-0-"), columns=file.columns[:2])
    content: dict[str, Any] = json.loads(make(replace(facts, tables=[replace(table, files=[older, file])]))[FILE])
    columns = {records["name"]: len(records["field"]) for records in content["recordSet"]}
    assert columns == {f"{table.name} 1": 2, f"{table.name} 2": len(file.columns)}
    ids = [part["@id"] for part in (*content["recordSet"], *content["distribution"])]
    assert len(set(ids)) == len(ids) == 6


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (pl.Boolean(), "sc:Boolean"),
        (pl.UInt8(), "sc:Integer"),
        (pl.Float32(), "sc:Float"),
        (pl.Date(), "sc:Date"),
        (pl.Datetime("us", "UTC"), "sc:DateTime"),
        (pl.String(), "sc:Text"),
    ],
)
def test_types(dtype: pl.DataType, expected: str) -> None:
    assert _data_type(dtype) == expected
