"""The task: two values, some classes, or a number."""

from __future__ import annotations

import re

import polars as pl

from mlops_lab.starter.columns import Column, is_whole
from mlops_lab.starter.decide import Ask, Question, wrong_choice

TASKS = ("auto", "binary", "multiclass", "regression")
MAX_CLASSES = 50
_FEW_NUMBERS = 10


def find_task(column: Column, values: pl.Series, wanted: str, ask: Ask) -> tuple[str, tuple[str, ...], dict[str, int]]:
    """The task as a project has it, its classes where they are text, and the rows of each class."""
    if wanted not in TASKS:
        raise wrong_choice(f'"{wanted}" is no task', "--task", f"one of {', '.join(TASKS)}")
    if column.distinct < 2:
        what = f'the target "{column.name}" has {"one value" if column.distinct else "no values"}: nothing to learn'
        raise wrong_choice(what, "--target", "name a column that differs from row to row")
    if column.kind == "datetime":
        raise wrong_choice(f'the target "{column.name}" holds moments', "--target", "predict a class or a number")
    numeric = column.kind in {"integer", "float"}
    whole = numeric and is_whole(values.filter(values.cast(pl.Float64).is_finite()))
    task = wanted if wanted != "auto" else _guess_task(column, numeric=numeric, whole=whole, ask=ask)
    if task == "regression":
        if not numeric:
            raise wrong_choice(f'the target "{column.name}" holds no numbers', "--task", "predict its classes")
        return task, (), {}
    if task == "binary" and column.distinct != 2:
        what = f'the target "{column.name}" has {column.distinct:,} values, not two'
        raise wrong_choice(what, "--task", "--task multiclass predicts more classes than two")
    if column.distinct > MAX_CLASSES:
        hint = "group the rare ones" + (", or predict the number: --task regression" if numeric else "")
        what = f'the target "{column.name}" has {column.distinct:,} classes, more than {MAX_CLASSES}'
        raise wrong_choice(what, "--target", hint)
    if numeric and not whole:
        what = f'the target "{column.name}" holds fractions, no classes'
        raise wrong_choice(what, "--task", "predict the number: --task regression")
    named = values.cast(pl.Int64).cast(pl.String) if numeric else values.cast(pl.String)
    counted = named.drop_nulls().value_counts(name="n").sort("n", named.name, descending=[True, False])
    counts = dict(counted.rows())
    if column.distinct == 2 and (
        (column.kind == "boolean" and set(counts) <= {"true", "false"}) or set(counts) == {"0", "1"}
    ):
        return "binary", (), counts
    return "multiclass", tuple(sorted(counts, key=_by_number)), counts


def _by_number(text: str) -> tuple[float, str]:
    return (float(text), "") if re.fullmatch(r"-?\d{1,15}", text) else (0.0, text)


def _guess_task(column: Column, *, numeric: bool, whole: bool, ask: Ask) -> str:
    if not numeric or column.distinct == 2:
        return "binary" if column.distinct == 2 else "multiclass"
    if not whole or column.distinct > 2 * _FEW_NUMBERS:
        return "regression"
    text = (
        f'"{column.name}" has {column.distinct} whole numbers: are they classes (multiclass) or amounts (regression)?'
    )
    default = "multiclass" if column.distinct <= _FEW_NUMBERS else "regression"
    return ask(Question("--task", text, ("multiclass", "regression"), default))
