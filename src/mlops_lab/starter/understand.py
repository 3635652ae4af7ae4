"""What a table says of itself: the role of every column, the task, and whatever a person should know or decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from mlops_lab.errors import InvalidInput
from mlops_lab.project import ASKED_AT, KNOWN_AT, RESERVED, ROW_ID
from mlops_lab.starter.columns import Column, look_at, name_fields
from mlops_lab.starter.decide import Ask, Options, find_column, take_default, wrong_choice
from mlops_lab.starter.roles import LEFT_OUT, find_id, find_parts, find_time, judge, judge_date
from mlops_lab.starter.suspects import is_sorted_by, sample_rows
from mlops_lab.starter.target import find_task

_MAX_SET_ASIDE = 0.9
_MAX_INFINITE = 0.01
_FEWEST_OF_A_CLASS = 10
_TAKEN = RESERVED | {ASKED_AT, ROW_ID}


@dataclass(frozen=True)
class Judged:
    """A column, its role, and what a person should know of it.

    Roles: target, id, time, known_at, key, number, category, text, date; left out (never seen by the model, and not
    asked of a client).
    """

    column: Column
    role: str
    note: str = ""


@dataclass(frozen=True)
class Understanding:
    """What was understood. `task` as a project has it; `classes` of text; `counts`: rows of each class. `key`: the
    field that says who asks; it has the role "key" where it is no input.

    `order`: "arrival" or "shuffled". `set_aside`: the share of rows that cannot be used. `parts`: for each column of
    moments those parts (hour, weekday, month) that vary. `example`: the last row, as values of its fields.
    """

    rows: int
    columns: tuple[Judged, ...]
    task: str
    classes: tuple[str, ...]
    counts: dict[str, int]
    key: str | None
    order: str
    set_aside: float
    parts: dict[str, tuple[str, ...]]
    example: dict[str, object]
    notes: tuple[str, ...]

    def of_role(self, *roles: str) -> list[Column]:
        """The columns of these roles, in the order of the data."""
        return [one.column for one in self.columns if one.role in roles]

    @property
    def target(self) -> Column:
        """What is predicted."""
        return self.of_role("target")[0]

    def first(self, role: str) -> Column | None:
        """The column of a role that one has at most."""
        return next(iter(self.of_role(role)), None)

    @property
    def inputs(self) -> list[Column]:
        """The fields of a request, in the order of the data, without its time."""
        return self.of_role("key", "number", "category", "text", "date")


def understand(frame: pl.DataFrame, options: Options, *, ask: Ask = take_default) -> Understanding:
    """The roles of all columns, the task, and notes. InvalidInput where the target, or a named column, will not do."""
    fields = name_fields(frame.columns, _TAKEN)
    looked = {name: look_at(frame[name], fields[name]) for name in frame.columns}
    columns = {name: column for name, (column, _) in looked.items()}
    values = {name: series for name, (_, series) in looked.items()}
    target = find_column(options.target, columns, "--target")
    task, classes, counts = find_task(columns[target], values[target], options.task, ask)
    roles = _settle_roles(columns, target, options, ask)
    key = find_column(options.key, columns, "--key") if options.key else None
    if key in roles:
        raise wrong_choice(f'"{key}" is the {roles[key]}', "--key", "name a column that says who asks")
    columns = {name: _keep_name(column, roles.get(name)) for name, column in columns.items()}
    judged, parts = _judge_all(columns, values, roles, key, numeric_target=task == "regression")
    timed = "time" in roles.values()
    shuffled = not timed and is_sorted_by(values[target], numeric_target=task == "regression")
    found = Understanding(
        rows=frame.height,
        columns=judged,
        task=task,
        classes=classes,
        counts=counts,
        key=columns[key].field if key else None,
        order="shuffled" if shuffled else "arrival",
        set_aside=_share_set_aside(judged, values),
        parts=parts,
        example={},
        notes=(),
    )
    _check_usable(found, values)
    return replace(found, example=_example(found, values), notes=_notes(found))


def _settle_roles(columns: dict[str, Column], target: str, options: Options, ask: Ask) -> dict[str, str]:
    """The roles that one column has each: target, known_at, id, time."""
    roles = {target: "target"}
    if KNOWN_AT in columns and columns[KNOWN_AT].kind == "datetime" and target != KNOWN_AT:
        roles[KNOWN_AT] = "known_at"
    if (name := find_id(columns, options, roles)) is not None:
        roles[name] = "id"
    if (name := find_time(columns, options, roles, ask)) is not None:
        roles[name] = "time"
    return roles


def _keep_name(column: Column, role: str | None) -> Column:
    """The column; an id, a time and a moment of knowing may be called what no other field may."""
    keeps = role in {"id", "known_at"} or (role == "time" and column.name.isidentifier())
    return replace(column, field=column.name) if keeps and not column.name.startswith("_") else column


def _judge_all(
    columns: Mapping[str, Column],
    values: Mapping[str, pl.Series],
    roles: Mapping[str, str],
    key: str | None,
    *,
    numeric_target: bool,
) -> tuple[tuple[Judged, ...], dict[str, tuple[str, ...]]]:
    """Every column with its role; and the parts of moments that vary, by field."""
    target = next(name for name, role in roles.items() if role == "target")
    time = next((name for name, role in roles.items() if role == "time"), None)
    sampled = sample_rows(len(values[target]))
    truth = values[target] if sampled is None else values[target][sampled]
    judged: list[Judged] = []
    parts: dict[str, tuple[str, ...]] = {}
    for name, column in columns.items():
        if name in roles:
            judged.append(Judged(column, roles[name], "; ".join(column.notes)))
        else:
            seen = values[name] if sampled is None else values[name][sampled]
            role, note = judge(column, seen, truth, numeric_target=numeric_target)
            if role == "date":
                role, note = judge_date(values[name], values[time] if time else None, note)
            if name == key and role in {LEFT_OUT, "text", "date"}:
                role = "key"  # asked of a client all the same
            judged.append(Judged(column, role, note))
        if judged[-1].role in {"time", "date"} and (found := find_parts(values[name])):
            parts[column.field] = found
    return tuple(judged), parts


def _share_set_aside(judged: Sequence[Judged], values: Mapping[str, pl.Series]) -> float:
    """The share of rows that break the contract whatever it says of fields: no target, no moment, an infinity."""
    wrong = None
    for one in judged:
        if one.role in {"target", "time", "id", "known_at"}:
            here = values[one.column.name].is_null()
            wrong = here if wrong is None else wrong | here
        if one.column.infinite and one.role != LEFT_OUT:
            here = ~values[one.column.name].cast(pl.Float64).is_finite().fill_null(value=True)
            wrong = here if wrong is None else wrong | here
    return float(wrong.mean() or 0.0) if wrong is not None else 0.0  # type: ignore[arg-type]


def _check_usable(found: Understanding, values: Mapping[str, pl.Series]) -> None:
    for one in found.columns:
        column = one.column
        if one.role != LEFT_OUT and column.infinite > _MAX_INFINITE * column.rows:
            row = int((~values[column.name].cast(pl.Float64).is_finite()).fill_null(value=False).arg_max() or 0)
            raise InvalidInput(
                f"{column.infinite:,} of {column.rows:,} values are infinite, and infinity breaks every contract",
                code="infinite_values",
                where=f'row {row}, column "{column.name}"',
                hint="write a number, or leave the cell empty where there is none",
            )
    if found.set_aside > _MAX_SET_ASIDE:
        what = f"{found.set_aside:.0%} of the rows have no target, or no time"
        raise InvalidInput(what, code="unusable_rows", where=f'column "{found.target.name}"', hint="mend the data")
    if not (found.of_role("number", "category", "text") or found.parts):
        what = "no column is left to predict from"
        told = "; ".join(f"{one.column.name}: {one.note}" for one in found.columns[:5] if one.role == LEFT_OUT)
        raise InvalidInput(what, code="no_inputs", where="--data", hint=f"left out were {told or 'none'}")


def _example(found: Understanding, values: Mapping[str, pl.Series]) -> dict[str, object]:
    """The last row that has a target, as a client would send it."""
    last = int(values[found.target.name].is_not_null().arg_true()[-1])
    shown = [*found.of_role("time"), *found.inputs]
    return {column.field: values[column.name][last] for column in shown}


def _notes(found: Understanding) -> tuple[str, ...]:
    notes = []
    if found.order == "shuffled":
        notes.append("the rows are sorted by the target: they are taken in an order drawn at random")
    elif not found.first("time"):
        notes.append("no column says when a row was asked about: rows are taken in the order of the data")
    if rare := [name for name, count in found.counts.items() if count < _FEWEST_OF_A_CLASS]:
        notes.append(f"fewer than {_FEWEST_OF_A_CLASS} rows are {', '.join(rare)}: too few to learn from")
    if found.set_aside:
        notes.append(f"{found.set_aside:.2%} of the rows lack the target or the time, or are infinite: set aside")
    renamed = [one.column for one in found.columns if one.column.name != one.column.field and one.role != LEFT_OUT]
    if renamed:
        shown = ", ".join(f'"{column.name}" as {column.field}' for column in renamed[:5])
        notes.append(
            f"renamed, for a field is made of letters, digits and _: {shown}" + (" ..." if renamed[5:] else "")
        )
    return tuple(notes)
