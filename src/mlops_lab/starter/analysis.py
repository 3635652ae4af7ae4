"""The analysis of a table: the role of every column, the task, and notes for people."""

from __future__ import annotations

from dataclasses import dataclass

from mlops_lab.starter.columns import ColumnProfile
from mlops_lab.starter.roles import LEFT_OUT


@dataclass(frozen=True)
class RoleAssignment:
    """A column, its role, and a note for people.

    Roles: target, id, time, known_at, key, number, category, text, date; left out (no input of the model, and
    no field of a request).
    """

    column: ColumnProfile
    role: str
    note: str = ""


@dataclass(frozen=True)
class TableAnalysis:
    """All that was found out. `task`: in the project's terms; `classes`: those of text; `counts`: rows of each class.

    `key`: the field that identifies who makes a request; its role is "key" where it is no input. `order`: "arrival" or
    "shuffled". `set_aside`: the share of rows that cannot be used. `parts`: for each column of moments the parts
    (hour, weekday, month, year, age, trend) that vary. `example`: the last row, as values of its fields.
    """

    rows: int
    columns: tuple[RoleAssignment, ...]
    task: str
    classes: tuple[str, ...]
    counts: dict[str, int]
    key: str | None
    order: str
    set_aside: float
    parts: dict[str, tuple[str, ...]]
    example: dict[str, object]
    notes: tuple[str, ...]

    def of_role(self, *roles: str) -> list[ColumnProfile]:
        """The columns of these roles, in the order of the data."""
        return [item.column for item in self.columns if item.role in roles]

    @property
    def target(self) -> ColumnProfile:
        """The column to predict."""
        return self.of_role("target")[0]

    def first(self, role: str) -> ColumnProfile | None:
        """The column of a role that at most one column has."""
        return next(iter(self.of_role(role)), None)

    @property
    def inputs(self) -> list[ColumnProfile]:
        """The fields of a request, in the order of the data, without its time."""
        return self.of_role("key", "number", "category", "text", "date")

    @property
    def renamed(self) -> list[ColumnProfile]:
        """The columns whose field has another name than the data."""
        used = [item.column for item in self.columns if item.role != LEFT_OUT]
        return [column for column in used if column.name != column.field]
