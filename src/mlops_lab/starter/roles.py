"""Which column is the id, which the time, and what each of the others is good for."""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl

from mlops_lab.project import ROW_ID
from mlops_lab.starter.columns import Column
from mlops_lab.starter.decide import NO_COLUMN, Ask, Options, Question, find_column, wrong_choice
from mlops_lab.starter.suspects import find_leak
from mlops_lab.starter.target import MAX_CLASSES

LEFT_OUT = "left out"
_MANY_CATEGORIES = 1000
_NEARLY_UNIQUE = 0.9
_ID_NAME = re.compile(r"(^|_|\b)(id|uuid|guid|key|nr|no|number|index|code)$|^(id|uuid|guid)(_|\b)", re.IGNORECASE)
_CAMEL_ID = re.compile(r"[a-z](Id|ID)$")
_EVENT_NAME = re.compile(
    r"time|date|moment|stamp|when|asked|created|ordered|opened|started|received|scheduled|_at$|_on$", re.IGNORECASE
)
_NOT_THE_EVENT = re.compile(r"birth|born|dob|since|joined|signup|signed|until|expir|due|end|clos|updat|modif", re.I)


def find_id(columns: Mapping[str, Column], options: Options, roles: Mapping[str, str]) -> str | None:
    """The column that tells rows apart: the one named, else the first that is unique and named like one."""
    if options.id:
        name = find_column(options.id, columns, "--id")
        if name in roles:
            raise wrong_choice(f'"{name}" is the {roles[name]}', "--id", "name another column")
        column = columns[name]
        if not column.is_unique or column.kind not in {"string", "integer"}:
            twice = column.rows - column.missing - column.distinct
            what = f'"{name}" tells no rows apart: {column.missing:,} missing, {twice:,} repeated'
            raise wrong_choice(
                what if column.kind in {"string", "integer"} else f'"{name}" is a {column.kind}', "--id", "leave it out"
            )
        return name
    for name, column in columns.items():
        named = _ID_NAME.search(name) or _CAMEL_ID.search(name) or name == ROW_ID
        plain = column.kind in {"string", "integer"} and not column.is_text
        if name not in roles and name not in (options.key, options.time) and named and plain and column.is_unique:
            return name
    return None


def find_time(
    columns: Mapping[str, Column],
    options: Options,
    roles: Mapping[str, str],
    ask: Ask,
) -> str | None:
    """The column that says when a row was asked about: the one named, else the only likely one, else who asks knows."""
    if options.time == NO_COLUMN and NO_COLUMN not in columns:
        return None
    if options.time:
        name = find_column(options.time, columns, "--time")
        if name in roles:
            raise wrong_choice(f'"{name}" is the {roles[name]}', "--time", "name another column")
        if columns[name].kind != "datetime":
            hint = "write moments as 2024-01-31T08:30:00Z or 2024-01-31"
            raise wrong_choice(f'"{name}" holds no moments, but {columns[name].kind}s', "--time", hint)
        return name
    found = [
        name
        for name, column in columns.items()
        if column.kind == "datetime"
        and name not in roles
        and column.missing <= 0.01 * column.rows
        and column.distinct > 1
    ]
    likely = [name for name in found if _EVENT_NAME.search(name) and not _NOT_THE_EVENT.search(name)]
    if len(likely) == 1:
        return likely[0]
    if len(found) == 1 and not _NOT_THE_EVENT.search(found[0]):
        return found[0]
    if not found:
        return None
    text = "which column says when a row was asked about (when the request was made)?"
    answer = ask(Question("--time", text, (*found, NO_COLUMN), NO_COLUMN))
    return None if answer == NO_COLUMN else answer


def judge(column: Column, seen: pl.Series, truth: pl.Series, *, numeric_target: bool) -> tuple[str, str]:
    """The role of a column, and a note."""
    notes = list(column.notes)
    if column.distinct == 0:
        return LEFT_OUT, "holds no values"
    if column.distinct == 1:
        return LEFT_OUT, "always the same" if not column.missing else "one value, or none: always the same"
    if leak := find_leak(seen, truth, numeric_target=numeric_target):
        return LEFT_OUT, f"suspect: {leak}; is it known before the target?"
    if column.kind == "datetime":
        return "date", "; ".join(notes)
    if column.kind in {"integer", "float", "boolean"}:
        if column.kind == "integer" and column.is_unique and _names_an_id(column):
            return LEFT_OUT, "an id: a model would learn its rows by heart"
        if column.kind == "integer" and column.is_unique and _counts_rows(column):
            return LEFT_OUT, "counts the rows"
        if column.kind != "boolean" and column.distinct == 2 and column.span == (0.0, 1.0):
            notes.append("0 or 1")
        return "number", "; ".join(notes)
    if column.is_text:
        return "text", "; ".join([*notes, f"{column.words:.0f} words a value"])
    if column.distinct > _NEARLY_UNIQUE * (column.rows - column.missing) and column.distinct > MAX_CLASSES:
        return LEFT_OUT, "; ".join([*notes, "nearly every row has a value of its own: nothing to learn from"])
    if column.distinct > _MANY_CATEGORIES:
        notes.append(f"{column.distinct:,} categories: rare ones tell little")
    return "category", "; ".join(notes)


def _counts_rows(column: Column) -> bool:
    """Whether it is the index that another tool wrote beside the columns."""
    nameless = re.fullmatch(r"column_\d+|unnamed.*|__index_level_0__|index", column.name, re.IGNORECASE)
    return bool(nameless) and column.span is not None and column.span[1] - column.span[0] == column.rows - 1


def _names_an_id(column: Column) -> bool:
    return bool(_ID_NAME.search(column.name) or _CAMEL_ID.search(column.name))


def judge_date(values: pl.Series, time: pl.Series | None, note: str) -> tuple[str, str]:
    """The role of a column of moments beside the time, and a note."""
    if time is not None:
        later = float((values > time).drop_nulls().mean() or 0.0)  # type: ignore[arg-type]
        if later > 0.5:
            told = f"suspect: later than the time in {later:.0%} of the rows; is it known before the target?"
            return LEFT_OUT, told
    return ("date", note) if find_parts(values) else (LEFT_OUT, "its hour, weekday and month never vary")


def find_parts(values: pl.Series) -> tuple[str, ...]:
    """The parts of moments that differ from row to row."""
    given = values.drop_nulls()
    found = {"hour": given.dt.hour(), "weekday": given.dt.weekday(), "month": given.dt.month()}
    return tuple(name for name, part in found.items() if part.n_unique() > 1)
