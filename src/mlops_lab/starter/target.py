"""The task that follows from the target: binary, multiclass or regression."""

from __future__ import annotations

import re

import polars as pl

from mlops_lab.starter.columns import ColumnProfile, is_whole
from mlops_lab.starter.options import Ask, UserQuestion, wrong_choice

TASKS = ("auto", "binary", "multiclass", "regression")
MAX_CLASSES = 50
_FEW_NUMBERS = 10


def find_task(
    column: ColumnProfile, values: pl.Series, option: str, ask: Ask
) -> tuple[str, tuple[str, ...], dict[str, int]]:
    """The task in the project's terms, its classes where they are text, and the number of rows of each class."""
    if option not in TASKS:
        raise wrong_choice(f'"{option}" is not a task', "--task", f"one of {', '.join(TASKS)}")
    if column.distinct < 2:
        what = f'the target "{column.name}" has {"one value" if column.distinct else "no values"}: nothing to learn'
        raise wrong_choice(what, "--target", "name a column with at least two values")
    if column.kind == "datetime":
        raise wrong_choice(f'the target "{column.name}" holds moments', "--target", "predict a class or a number")
    is_numeric = column.kind in {"integer", "float"}
    is_integral = is_numeric and is_whole(values.filter(values.cast(pl.Float64).is_finite()))
    task = option if option != "auto" else _guess_task(column, is_numeric=is_numeric, is_integral=is_integral, ask=ask)
    if task == "regression":
        if not is_numeric:
            raise wrong_choice(
                f'the target "{column.name}" holds no numbers', "--task", "predict its classes: --task multiclass"
            )
        return task, (), {}
    if task == "binary" and column.distinct != 2:
        what = f'the target "{column.name}" has {column.distinct:,} values, not two'
        raise wrong_choice(what, "--task", "--task multiclass predicts more than two classes")
    if column.distinct > MAX_CLASSES:
        hint = "group the rare ones" + (", or predict the number: --task regression" if is_numeric else "")
        what = f'the target "{column.name}" has {column.distinct:,} classes, more than {MAX_CLASSES}'
        raise wrong_choice(what, "--target", hint)
    if is_numeric and not is_integral:
        what = f'the target "{column.name}" holds fractions, not classes'
        raise wrong_choice(what, "--task", "predict the number: --task regression")
    names = values.cast(pl.Int64).cast(pl.String) if is_numeric else values.cast(pl.String)
    counted = names.drop_nulls().value_counts(name="n").sort("n", names.name, descending=[True, False])
    counts = dict(counted.rows())
    if column.distinct == 2 and (
        (column.kind == "boolean" and set(counts) <= {"true", "false"}) or set(counts) == {"0", "1"}
    ):
        return "binary", (), counts
    return "multiclass", tuple(sorted(counts, key=_by_number)), counts


def _by_number(text: str) -> tuple[float, str]:
    return (float(text), "") if re.fullmatch(r"-?\d{1,15}", text) else (0.0, text)


def _guess_task(column: ColumnProfile, *, is_numeric: bool, is_integral: bool, ask: Ask) -> str:
    if not is_numeric or column.distinct == 2:
        return "binary" if column.distinct == 2 else "multiclass"
    if not is_integral or column.distinct > 2 * _FEW_NUMBERS:
        return "regression"
    text = (
        f'"{column.name}" has {column.distinct} whole numbers: are they classes (multiclass) or amounts (regression)?'
    )
    default = "multiclass" if column.distinct <= _FEW_NUMBERS else "regression"
    return ask(UserQuestion("--task", text, ("multiclass", "regression"), default))
