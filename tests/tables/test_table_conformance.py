"""What every table in `tables.declared.TABLES` must keep. A failure here says what a new table lacks."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mlops_lab.lake import Lake
from mlops_lab.project import Project, load_project
from mlops_lab.project.declaration import LOOP_TABLES
from mlops_lab.tables.declared import TABLES
from mlops_lab.tables.document import render_tables
from mlops_lab.tables.table import MOMENT, FixedColumn, ProjectColumns, Table

every_table = pytest.mark.parametrize("table", TABLES, ids=[table.name for table in TABLES])
AT = datetime(2013, 3, 1, 5, tzinfo=UTC)
TASKS = {
    "binary": (),
    "multiclass": (
        ('label = "late"', 'label = "kind"'),
        ('late = "boolean"', 'kind = { type = "string", categories = ["a", "b", "c"] }'),
    ),
    "regression": (
        ('label = "late"', 'label = "minutes"'),
        ('late = "boolean"\nminutes = "float?"', 'minutes = "float"'),
    ),
}
in_every_project = pytest.mark.parametrize("task", TASKS)


def sample(dtype: pl.DataType, row: int) -> Any:
    """A value of the dtype."""
    if isinstance(dtype, pl.Datetime):
        return AT + timedelta(hours=row)
    if isinstance(dtype, pl.List):
        return [0.25, 0.75]
    return {pl.String(): f"text {row}", pl.Boolean(): True}.get(dtype, row)


def sample_rows(table: Table, project: Project, *, count: int = 2) -> pl.DataFrame:
    """Some rows of the table."""
    schema = table.schema(project)
    columns = {name: [sample(dtype, row) for row in range(count)] for name, dtype in schema.items()}
    return pl.DataFrame(columns, schema=schema, strict=False)


def test_names_are_unique():
    names = [table.name for table in TABLES]
    assert len(set(names)) == len(names), "the name is a folder of the lake: two tables must not share it"
    assert all(name.isidentifier() and name.islower() for name in names)


@every_table
def test_the_declaration_says_everything(table: Table):
    for text in (table.meaning, table.written_by, table.once, *(column.meaning for column in table.columns)):
        assert text.strip() == text != "", "docs/tables.md shows the meaning, the writer, and what makes it happen once"
    assert table.meaning.endswith("."), "the meaning is a sentence"
    fixed = [column.name for column in table.columns if isinstance(column, FixedColumn)]
    assert len(set(fixed)) == len(fixed), "two columns have one name"


@every_table
@in_every_project
def test_the_time_column_exists_and_is_a_moment(table: Table, task: str, write_project, tmp_path: Path):
    schema = table.schema(write_project(tmp_path, *TASKS[task]))
    assert schema.get(table.time) == MOMENT, "readers filter by the time column: it must be declared, and a moment"


@every_table
@in_every_project
def test_the_schema_has_a_dtype_for_every_column(table: Table, task: str, write_project, tmp_path: Path):
    schema = table.schema(write_project(tmp_path, *TASKS[task]))
    assert all(isinstance(dtype, pl.DataType) for dtype in schema.values()), "write pl.String(), not pl.String"
    assert table.fixed_schema.items() <= schema.items()
    declared = [column.name for column in table.columns if isinstance(column, FixedColumn)]
    assert [name for name in schema if name in declared] == declared, "a column of the project hides one of the table"
    output = pl.List(pl.Float64) if task == "multiclass" else pl.Float64()
    assert all(schema[column.name] == output for column in table.columns if getattr(column, "dtype", 0) is None)


@every_table
@in_every_project
def test_the_lake_takes_its_rows_and_gives_them_back(table: Table, task: str, write_project, tmp_path: Path):
    project = write_project(tmp_path, *TASKS[task])
    lake = Lake(tmp_path / "lake")
    assert not table.exists(lake)
    assert table.position(lake, "writer") == 0
    rows = sample_rows(table, project)
    assert table.append(lake, rows)
    assert table.exists(lake)
    assert table.read(lake).equals(rows)
    assert dict(lake.schema(table.name)) == table.schema(project)


@every_table
def test_an_append_at_the_same_position_happens_once(table: Table, tiny, tmp_path: Path):
    lake, rows = Lake(tmp_path), sample_rows(table, tiny.project)
    assert table.append(lake, rows, position=("writer", 5)) is True
    assert table.append(lake, rows, position=("writer", 5)) is False, "the same position again"
    assert table.append(lake, rows, position=("writer", 4)) is False, "an earlier position"
    assert table.read(lake).height == rows.height
    assert table.append(lake, rows, position=("another writer", 5)) is True
    assert table.append(lake, rows, position=("writer", 6)) is True
    assert table.read(lake).height == 3 * rows.height
    assert table.position(lake, "writer") == 6


@every_table
def test_rows_are_read_from_a_moment_on(table: Table, tiny, tmp_path: Path):
    lake, rows = Lake(tmp_path), sample_rows(table, tiny.project, count=4)
    table.append(lake, rows)
    assert table.read(lake, since=AT + timedelta(hours=2)).height == 2
    assert table.read(lake, columns=[table.time]).columns == [table.time]


APPEND_AND_DIE = """
import os, signal, sys
from pathlib import Path
import test_table_conformance as suite

suite.append_all(Path(sys.argv[1]), Path(sys.argv[2]))
os.kill(os.getpid(), signal.SIGKILL)
"""


def append_all(root: Path, lake: Path) -> list[bool]:
    """Append rows to all tables at one position; whether they were written."""
    project = load_project(root)
    return [table.append(Lake(lake), sample_rows(table, project), position=("writer", 7)) for table in TABLES]


def test_a_writer_that_is_killed_and_repeats_its_appends_writes_them_once(write_project, tmp_path: Path):
    project = write_project(tmp_path)
    command = [sys.executable, "-c", APPEND_AND_DIE, str(tmp_path), str(tmp_path / "lake")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    killed = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert append_all(tmp_path, tmp_path / "lake") == [False] * len(TABLES)
    for table in TABLES:
        assert table.read(Lake(tmp_path / "lake")).equals(sample_rows(table, project)), table.name


VISITS = Table(
    name="visits",
    meaning="Each look at the page of a server.",
    time="at",
    written_by="the test",
    once="the number of the visit",
    columns=(
        FixedColumn("at", MOMENT, "when somebody looked"),
        FixedColumn("seconds", pl.Float64(), "how long"),
        ProjectColumns("the request's fields", None),
    ),
)


def test_one_more_table_is_one_declaration(tiny, tmp_path: Path):
    lake = Lake(tmp_path)
    rows = pl.DataFrame({"at": [AT], "seconds": [1.5]}, schema=VISITS.schema(tiny.project))
    assert VISITS.append(lake, rows, position=("visits", 1))
    assert not VISITS.append(lake, rows, position=("visits", 1))
    assert VISITS.read(lake, since=AT).equals(rows)
    page = render_tables((*TABLES, VISITS))
    assert "| [`visits`](#visits) | Each look at the page of a server. | `at` | the test | the number" in page
    assert "| `seconds` | number | how long |" in page


def test_no_table_of_a_project_can_have_the_name_of_one_of_the_loop():
    assert {table.name for table in TABLES} == LOOP_TABLES
