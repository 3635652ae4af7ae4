"""The schema of a table in a project."""

import polars as pl

from mlops_lab.contracts.fields import Field
from mlops_lab.tables.table import MOMENT, FixedColumn, ProjectColumns, Table

TABLE = Table(
    name="answers",
    meaning="Answers.",
    time="at",
    written_by="the test",
    once="the position",
    columns=(
        FixedColumn("at", MOMENT, "when"),
        FixedColumn("output", None, "the answer"),
        ProjectColumns("a field", lambda project: (Field(project.settings.source.id, "string", nullable=False),)),
        ProjectColumns("whatever is computed", None),
        FixedColumn("count", pl.Int64(), "how many"),
    ),
)


def test_columns_come_in_the_order_of_the_declaration(tiny):
    assert list(TABLE.schema(tiny.project).items()) == [
        ("at", MOMENT),
        ("output", pl.Float64()),
        ("order_id", pl.String()),
        ("count", pl.Int64()),
    ]


def test_fixed_columns_are_the_same_in_every_project():
    assert TABLE.fixed_schema == {"at": MOMENT, "count": pl.Int64()}
