"""The role of each column: which is the id, which the time, and how the model can use the others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

import polars as pl

from mlops_lab.project import ROW_ID
from mlops_lab.starter.columns import ColumnProfile
from mlops_lab.starter.leaks import find_leak
from mlops_lab.starter.options import NO_COLUMN, Ask, InitOptions, UserQuestion, find_column, wrong_choice
from mlops_lab.starter.target import MAX_CLASSES

LEFT_OUT = "left out"
_MANY_CATEGORIES = 1000
_NEARLY_UNIQUE = 0.9
_NEARLY_ALL = 0.99
_DAYS_OF_TREND = 90
_ID_NAME = re.compile(r"(^|_|\b)(id|uuid|guid|key|nr|no|number|index|code)$|^(id|uuid|guid)(_|\b)", re.IGNORECASE)
_CAMEL_ID = re.compile(r"[a-z](Id|ID)$")
_EVENT_NAME = re.compile(
    r"time|date|moment|stamp|when|asked|created|ordered|opened|started|received|scheduled|_at$|_on$", re.IGNORECASE
)
_NOT_THE_EVENT = re.compile(r"birth|born|dob|since|joined|signup|signed|until|expir|due|end|clos|updat|modif", re.I)


def find_id(columns: Mapping[str, ColumnProfile], options: InitOptions, roles: Mapping[str, str]) -> str | None:
    """The column that identifies rows: the one given as option, else the first unique one that is named like an id."""
    if options.id:
        name = find_column(options.id, columns, "--id")
        if name in roles:
            raise wrong_choice(f'"{name}" is the {roles[name]}', "--id", "name another column")
        column = columns[name]
        if not column.is_unique or column.kind not in {"string", "integer"}:
            repeated = column.rows - column.missing - column.distinct
            what = f'"{name}" does not identify rows: {column.missing:,} missing, {repeated:,} repeated'
            raise wrong_choice(
                what if column.kind in {"string", "integer"} else f'"{name}" is a {column.kind}', "--id", "leave it out"
            )
        return name
    for name, column in columns.items():
        if name in roles or name in (options.key, options.time):
            continue
        is_plain = column.kind in {"string", "integer"} and not column.is_text
        if is_plain and column.is_unique and (name == ROW_ID or _is_named_like_id(column)):
            return name
    return None


def find_time(
    columns: Mapping[str, ColumnProfile],
    values: Mapping[str, pl.Series],
    options: InitOptions,
    roles: Mapping[str, str],
    ask: Ask,
) -> tuple[str, str] | None:
    """The column with the time of the request, and a note; None where there is none.

    It is the one given as option, else the only one that may be it, by its name where several have moments. Of several
    with such a name it is the earliest, if it is so in nearly every row: what comes later is not known at the request.
    Otherwise `ask` decides.
    """
    if options.time == NO_COLUMN and NO_COLUMN not in columns:
        return None
    if options.time:
        return _check_time(columns, options.time, roles), ""
    possible = [
        name
        for name, column in columns.items()
        if column.kind == "datetime"
        and name not in roles
        and column.missing <= 0.01 * column.rows
        and column.distinct > 1
    ]
    possible = [name for name in possible if not _NOT_THE_EVENT.search(name)] or possible
    named = [name for name in possible if _EVENT_NAME.search(name) and not _NOT_THE_EVENT.search(name)]
    if len(named or possible) == 1 and not _NOT_THE_EVENT.search(possible[0]):
        return (named or possible)[0], ""
    if not possible:
        return None
    if len(named) > 1 and (first := _find_earliest({name: values[name] for name in named})) is not None:
        others = ", ".join(name for name in named if name != first)
        return first, f"never later than {others}: taken for the time of the request; --time COLUMN names another"
    text = "which column is the time of the request?"
    may_be_none = all(map(_NOT_THE_EVENT.search, possible))
    default = NO_COLUMN if may_be_none else (named or possible)[0]
    answer = ask(UserQuestion("--time", text, (*possible, NO_COLUMN), default, needs_answer=not may_be_none))
    return None if answer == NO_COLUMN else (answer, "")


def _check_time(columns: Mapping[str, ColumnProfile], given: str, roles: Mapping[str, str]) -> str:
    """The column of `--time`; InvalidInput where it cannot be the time."""
    name = find_column(given, columns, "--time")
    if name in roles:
        raise wrong_choice(f'"{name}" is the {roles[name]}', "--time", "name another column")
    if columns[name].kind != "datetime":
        hint = "write moments as 2024-01-31T08:30:00Z or 2024-01-31, or name their format: --format"
        raise wrong_choice(f'"{name}" holds no moments, but {columns[name].kind}s', "--time", hint)
    return name


def _find_earliest(moments: Mapping[str, pl.Series]) -> str | None:
    """The column that is not later than any other in nearly every row, and earlier than each of them in some."""
    for name, first in moments.items():
        others = [other for key, other in moments.items() if key != name]
        if all((first <= other).mean() >= _NEARLY_ALL and (first < other).any() for other in others):  # type: ignore[operator]
            return name
    return None


def choose_role(column: ColumnProfile, values: pl.Series, truth: pl.Series, *, numeric_target: bool) -> tuple[str, str]:
    """The role of a column and a note, from its profile and from (a sample of) its values beside the target's."""
    notes = list(column.notes)
    if column.distinct == 0:
        return LEFT_OUT, "holds no values"
    if column.distinct == 1 and (not column.missing or column.kind == "datetime"):
        return LEFT_OUT, "always the same"
    if column.distinct == 1:
        return "category" if column.kind == "string" else "number", "; ".join([*notes, "a flag: its value, or none"])
    if leak := find_leak(values, truth, numeric_target=numeric_target):
        return LEFT_OUT, f"suspect: {leak}; is it known before the target?"
    if column.kind == "datetime":
        return "date", "; ".join(notes)
    if column.kind in {"integer", "float", "boolean"}:
        if column.kind == "integer" and column.is_unique and _is_named_like_id(column):
            return LEFT_OUT, "an id: a model would memorise single rows"
        if column.kind == "integer" and column.is_unique and _is_row_number(column):
            return LEFT_OUT, "a row number"
        if column.kind != "boolean" and column.distinct == 2 and column.span == (0.0, 1.0):
            notes.append("0 or 1")
        return "number", "; ".join(notes)
    if column.is_text:
        return "text", "; ".join([*notes, f"{column.words:.0f} words on average"])
    if column.distinct > _NEARLY_UNIQUE * (column.rows - column.missing) and column.distinct > MAX_CLASSES:
        return LEFT_OUT, "; ".join([*notes, "nearly every row has a different value: nothing to learn"])
    if column.distinct > _MANY_CATEGORIES:
        notes.append(f"{column.distinct:,} categories: rare ones are of little use")
    return "category", "; ".join(notes)


def _is_row_number(column: ColumnProfile) -> bool:
    """Whether it is the row index that another tool wrote into the file."""
    if re.fullmatch(r"unnamed:? ?\d+|__index_level_\d+__", column.name, re.IGNORECASE):
        return True
    is_unnamed = bool(re.fullmatch(r"column_\d+|unnamed.*|index", column.name, re.IGNORECASE))
    return is_unnamed and column.span is not None and column.span[1] - column.span[0] == column.rows - 1


def _is_named_like_id(column: ColumnProfile) -> bool:
    return bool(_ID_NAME.search(column.name) or _CAMEL_ID.search(column.name))


def choose_date_role(values: pl.Series, time: pl.Series | None, note: str) -> tuple[str, str]:
    """The role of a column of moments that is not the time, and a note."""
    if time is not None:
        later = float((values > time).drop_nulls().mean() or 0.0)  # type: ignore[arg-type]
        if later > 0.5:
            return LEFT_OUT, f"suspect: later than the time in {later:.0%} of the rows; is it known before the target?"
    return ("date", note) if find_parts(values) else (LEFT_OUT, "its hour, weekday, month and year never vary")


def find_parts(values: pl.Series) -> tuple[str, ...]:
    """The parts of moments (hour, weekday, month, year) that differ from row to row."""
    given = values.drop_nulls()
    parts = {
        "hour": given.dt.hour(),
        "weekday": given.dt.weekday(),
        "month": given.dt.month(),
        "year": given.dt.year(),
    }
    return tuple(name for name, part in parts.items() if part.n_unique() > 1)


def find_time_parts(values: pl.Series, *, numeric_target: bool) -> tuple[str, ...]:
    """The parts of the time of the request. Its year has no place among them: later requests are in years that no
    training saw. Where a number is predicted over months, `trend` is how many years have passed: a linear model follows
    it."""
    parts = tuple(part for part in find_parts(values) if part != "year")
    span = values.max() - values.min()  # type: ignore[operator]
    is_long = isinstance(span, timedelta) and span.days >= _DAYS_OF_TREND
    return (*parts, "trend") if numeric_target and is_long else parts


def find_date_parts(values: pl.Series, *, has_time: bool) -> tuple[str, ...]:
    """The parts of a date that is not the time of the request; `age` is its distance to that time, in days."""
    parts = find_parts(values)
    return (*parts, "age") if has_time and values.n_unique() > 1 else parts
