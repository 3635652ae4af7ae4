"""Checks a table against its contract: its fields, the limits of their values, its key and its order."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import polars as pl

from mlops_lab.contracts.fields import Field
from mlops_lab.contracts.parse import parse_column, read_cells
from mlops_lab.contracts.rules import EXAMPLES, Breach, find_breaches, first_broken_indices, rules_of
from mlops_lab.errors import InvalidInput
from mlops_lab.notes import tell

CONTRACT_BREACH = "contract_breach"
"""The code of the error about stored rows that break their contract."""
BrokenRule = tuple[str, str, str]
"""What a row can break: the rule, its column, and the rule in words."""


@dataclass(frozen=True)
class SetAside:
    """A row that breaks the contract: the rule that it breaks, and the row itself as JSON, unchanged."""

    rule: str
    column: str
    text: str
    row: str


def conform(frame: pl.DataFrame, fields: tuple[Field, ...], *, table: str, first: int = 0) -> pl.DataFrame:
    """The declared columns of `frame`, in order, with their dtypes.

    A column that is not declared is told and left out. InvalidInput for a missing column, a value that does not fit its
    type or breaks a rule, and a null where null is not allowed. It names table, column and the first wrong row; `first`
    is the number of the first row.
    """
    frame = _select_columns(frame, fields, table)
    typed = []
    for field in fields:
        column = frame[field.name]
        parsed = parse_column(column, field, table, first=first)
        if parsed.null_count() > column.null_count():
            row = int((parsed.is_null() & column.is_not_null()).arg_max() or 0)
            raise InvalidInput(
                f"{column[row]!r} is not a {field.kind}",
                code="wrong_type",
                where=f'table "{table}", row {first + row}, column "{field.name}"',
                hint="fix the data, or the type in mlops.toml",
            )
        typed.append(parsed)
    frame = pl.DataFrame(typed)
    for field in fields:
        if not field.nullable and frame[field.name].null_count():
            row = frame[field.name].is_null().arg_max() or 0
            raise InvalidInput(
                "is null, but null is not allowed",
                code="null_value",
                where=f'table "{table}", row {first + row}, column "{field.name}"',
                hint=f'fix the data, or declare the field as "{field.kind}?"',
            )
    for breach in find_breaches(table, frame, fields):
        raise explain_breaches([breach])
    return frame


def sort_out(
    frame: pl.DataFrame, fields: tuple[Field, ...], *, table: str, key: Sequence[str], order: str | None = None
) -> tuple[pl.DataFrame, list[SetAside]]:
    """The rows that keep the contract, as `conform` would give them, and those that do not.

    `key`: the columns that identify a row; of rows with the same key the first is kept. `order`: the column that must
    not decrease from one row to the next. A column that is not declared is told and left out. InvalidInput for a
    missing column, or one of another type.
    """
    frame = _select_columns(frame, fields, table)
    typed = pl.DataFrame([parse_column(frame[field.name], field, table) for field in fields])
    broken, broken_rule = find_broken(frame, typed, fields)
    # only rows that break no other rule are compared
    first = pl.when(broken_rule.is_null()).then(pl.struct(key)).is_first_distinct()
    repeated = typed.select(first.not_()).to_series()
    broken_rule = _mark(broken_rule, repeated, len(broken))
    broken.append(unique_rule(key))
    if order is not None:
        late = typed.select((pl.col(order) < pl.col(order).cum_max()).fill_null(value=False)).to_series()
        broken_rule = _mark(broken_rule, late, len(broken))
        broken.append(monotone_rule(order))
    wrong = broken_rule.is_not_null()
    return typed.filter(~wrong), set_rows_aside(frame.filter(wrong), broken_rule.drop_nulls(), broken)


def set_rows_aside(rows: pl.DataFrame, broken_rule: Iterable[int], broken: Sequence[BrokenRule]) -> list[SetAside]:
    """The rows, unchanged, as they are set aside; `broken_rule`: for each the index of what it breaks."""
    written = (_write_row(row) for row in rows.iter_rows(named=True))
    return [SetAside(*broken[number], row) for number, row in zip(broken_rule, written, strict=True)]


def unique_rule(key: Sequence[str]) -> BrokenRule:
    """What a row breaks that has the key of an earlier one."""
    return "unique", ", ".join(key), "each key once"


def monotone_rule(order: str) -> BrokenRule:
    """What a row breaks that comes too late."""
    return "monotone", order, "never earlier than the row before"


def judge_rows(
    frame: pl.DataFrame, fields: tuple[Field, ...], *, table: str, first: int = 0
) -> tuple[pl.DataFrame, pl.Series]:
    """All rows as `conform` would give them, null where a value does not fit its type; and for each row why it breaks
    the contract, null where it keeps it.

    InvalidInput for a missing column; and, where these are the first rows and none keeps the contract, as `conform`
    raises it: then it is the file that is wrong, and not a row.
    """
    frame = _select_columns(frame, fields, table)
    typed = pl.DataFrame([read_cells(frame[field.name], field) for field in fields])
    broken, broken_rule = find_broken(frame, typed, fields)
    if first == 0 and frame.height and not broken_rule.null_count():
        conform(frame, fields, table=table)  # which raises
    problems: list[str | None] = [None] * frame.height
    for row in broken_rule.is_not_null().arg_true():
        rule, column, text = broken[broken_rule[row]]
        value = frame[column][row]
        problems[row] = f"{column}: is missing" if rule == "null" else f"{column}: {value!r} is not {text}"
    return typed, pl.Series("error", problems, dtype=pl.String)


def find_broken(
    frame: pl.DataFrame, typed: pl.DataFrame, fields: Sequence[Field]
) -> tuple[list[BrokenRule], pl.Series]:
    """What a row can break by itself, and for each row the index of what it breaks; null where nothing."""
    rules = rules_of(fields)
    broken: list[BrokenRule] = [(rule.name, rule.column, rule.text) for rule in rules]
    broken_rule = first_broken_indices(typed, rules)
    for field in fields:
        unreadable = typed[field.name].is_null() & frame[field.name].is_not_null()
        broken_rule = _mark(broken_rule, unreadable, len(broken), overwrite=True)
        broken.append(("type", field.name, f"{'an' if field.kind == 'integer' else 'a'} {field.kind}"))
    return broken, broken_rule


def _write_row(row: dict[str, Any]) -> str:
    """The row as JSON, unchanged; numbers that JSON does not have, such as infinity, as text."""
    values = {
        name: str(value) if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in row.items()
    }
    return msgspec.json.encode(values, enc_hook=str).decode()


def breaches_of(table: str, rows: Sequence[SetAside]) -> list[Breach]:
    """The breaches of these rows, one for each rule."""
    by_rule: dict[tuple[str, str, str], list[SetAside]] = {}
    for row in rows:
        by_rule.setdefault((row.rule, row.column, row.text), []).append(row)
    return [
        Breach(table, *rule, len(broken), tuple(msgspec.json.decode(row.row) for row in broken[:EXAMPLES]))
        for rule, broken in by_rule.items()
    ]


def explain_breaches(breaches: Sequence[Breach]) -> InvalidInput:
    """The error that lists the breaches, each with its table, rule and example rows."""
    first = breaches[0]
    return InvalidInput(
        "; ".join(map(str, breaches)),
        code=CONTRACT_BREACH,
        where=f'table "{first.table}", column "{first.column}"',
        hint="fix the data, or the contract in mlops.toml; `mlops contract check` lists all breaches",
    )


def _mark(broken_rule: pl.Series, rows: pl.Series, number: int, *, overwrite: bool = False) -> pl.Series:
    """`broken_rule` with `number` in those of the rows that break no other rule (`overwrite`: in all of the rows)."""
    marked = rows if overwrite else rows & broken_rule.is_null()
    return pl.select(pl.when(marked).then(pl.lit(number, pl.Int32)).otherwise(broken_rule)).to_series()


def check_columns(names: Sequence[str], fields: Sequence[Field], *, table: str) -> None:
    """InvalidInput where a field has no column with its name, and may not be omitted."""
    if missing := [field.name for field in fields if field.name not in names and not field.may_be_omitted]:
        raise InvalidInput(
            f"column {_quote(missing)} is missing",
            code="missing_column",
            where=f'table "{table}"',
            hint=f"the data has {_quote(names)}; fix the data, or declare the field with a default, or as one that "
            "may be null (`?`)",
        )


def _select_columns(frame: pl.DataFrame, fields: tuple[Field, ...], table: str) -> pl.DataFrame:
    tell_columns(frame.columns, fields, table=table)
    return pick_columns(frame, fields)


def tell_columns(names: Sequence[str], fields: Sequence[Field], *, table: str) -> None:
    """Tell which columns are ignored, and which are null in all rows; InvalidInput as `check_columns` raises it."""
    check_columns(names, fields, table=table)
    declared = [field.name for field in fields]
    if unknown := [name for name in names if name not in declared]:
        tell(f'table "{table}": {_quote(unknown)} is ignored, because mlops.toml does not declare it')
    if nulls := [field.name for field in fields if field.nullable and field.name not in names]:
        tell(f'table "{table}": {_quote(nulls)} is not in the data, and null in all of its rows')


def pick_columns(frame: pl.DataFrame, fields: Sequence[Field]) -> pl.DataFrame:
    """The columns of the fields; one that the data does not have is null, or has the field's default."""
    omitted = [
        pl.lit(field.default, field.dtype).alias(field.name) for field in fields if field.name not in frame.columns
    ]
    return frame.with_columns(omitted).select(field.name for field in fields)


def _quote(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
