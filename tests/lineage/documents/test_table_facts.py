from __future__ import annotations

import msgspec
import polars as pl
import pytest

from mlops_lab.errors import EnvironmentFault
from mlops_lab.lineage.documents.table_facts import ColumnFacts, read_table_facts
from mlops_lab.lineage.documents.version_facts import VersionFacts
from mlops_lab.project import Project
from mlops_lab.tables.open_lake import open_lake


def test_columns_are_counted(facts: VersionFacts, live_project: Project) -> None:
    lake = open_lake(live_project)
    for table in facts.tables:
        rows = lake.read(table.name, version=table.snapshot.version, as_stored=True)
        for column in table.columns:
            values = rows[column.name]
            assert (column.nulls, column.distinct) == (values.null_count(), values.drop_nulls().n_unique())
        assert sum(file.size_bytes for file in table.files) == table.size_bytes > 0


@pytest.mark.parametrize(
    ("values", "bounds"),
    [
        ([3, None, 1], (1.0, 3.0)),
        ([0.5, float("inf")], None),
        (["b", "a"], None),
        ([None], None),
    ],
)
def test_bounds_are_finite_numbers(values: list[object], bounds: tuple[float, float] | None) -> None:
    column = pl.Series("x", values)
    text = [None if column.dtype in (pl.String, pl.Null) else str(value) for value in (column.min(), column.max())]
    assert ColumnFacts("x", column.dtype, 0, 0, *text).bounds == bounds


def test_rows_that_are_gone_are_an_error(facts: VersionFacts, live_project: Project) -> None:
    more = msgspec.structs.replace(facts.tables[0].snapshot, rows=facts.tables[0].snapshot.rows + 1)
    with pytest.raises(EnvironmentFault) as caught:
        read_table_facts(live_project, open_lake(live_project), more)
    assert caught.value.code == "data_changed"
