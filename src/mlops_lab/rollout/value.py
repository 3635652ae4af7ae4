"""What answers and their outcomes are worth, as `[ab]` declares it; higher is better."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from mlops_lab.errors import InvalidInput
from mlops_lab.project import Project
from mlops_lab.project.ab_section import DECISION
from mlops_lab.tables.declared import OUTCOMES
from mlops_lab.tasks.base import Task
from mlops_lab.tasks.multiclass import Multiclass

VALUE, EXPECTED_VALUE = "value", "expected_value"


@dataclass(frozen=True)
class Metric:
    """How the value of an answer is computed: `says` in words, its unit, and the fields beside the answer that it
    needs. `follows_from_truth`: whether answer and truth alone decide it."""

    expression: pl.Expr | None
    says: str
    unit: str
    fields: tuple[str, ...]
    follows_from_truth: bool = False


def declared_metric(project: Project, task: Task) -> Metric:
    """The metric of `[ab]`, checked; InvalidInput where its expression cannot be computed."""
    settings = project.settings.ab
    if settings.value is not None:
        expression = _checked_expression(project, task, settings.value)
        used = set(expression.meta.root_names())
        fields = tuple(name for name in _fields_of(project) if name in used)
        return Metric(expression, settings.value, settings.unit, fields)
    if settings.has_cases:
        worth = {name: value or 0.0 for name, value in settings.value_of_case.items()}
        yes, truth = pl.col(DECISION), pl.col("truth") == 1
        expression = (
            pl.when(yes & truth)
            .then(worth["true_positive"])
            .when(yes)
            .then(worth["false_positive"])
            .when(truth)
            .then(worth["false_negative"])
            .otherwise(worth["true_negative"])
        )
        says = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in worth.items())
        return Metric(
            expression, f"{says}; yes from {settings.threshold:g} on", settings.unit, (), follows_from_truth=True
        )
    return Metric(None, f"minus the {task.loss_name} ([ab] declares no value)", task.loss_name, ())


def with_value(project: Project, rows: pl.DataFrame, *, task: Task, metric: Metric) -> pl.DataFrame:
    """The rows (`truth`, `output`, the fields of the metric) with their `value`; null where it has none."""
    if metric.expression is None:
        values = -task.losses(rows["truth"], rows["output"])
    else:
        decided = rows.with_columns(_decision(project, task).alias(DECISION))
        values = decided.select(metric.expression.cast(pl.Float64)).to_series()
    return rows.with_columns(values.alias(VALUE)).with_columns(pl.when(pl.col(VALUE).is_finite()).then(VALUE))


def with_expected_value(project: Project, rows: pl.DataFrame, *, task: Task, metric: Metric) -> pl.DataFrame:
    """The rows (`truth`, `output`) with the `value` that each answer expects of itself, by its own probability
    (`expected_value`); without it where the value depends on more than answer and truth."""
    if not metric.follows_from_truth:
        return rows
    no, yes = (
        with_value(project, rows.with_columns(truth=pl.lit(truth)), task=task, metric=metric)[VALUE]
        for truth in (0.0, 1.0)
    )
    chance = rows["output"]
    return rows.with_columns((chance * yes + (1 - chance) * no).alias(EXPECTED_VALUE))


def _decision(project: Project, task: Task) -> pl.Expr:
    """What follows from an answer: yes or no, the most probable class, or the number itself."""
    if isinstance(task, Multiclass):
        names = dict(enumerate(task.classes))
        return pl.col("output").list.arg_max().replace_strict(names, return_dtype=pl.String)
    return pl.col("output") >= project.settings.ab.threshold if task.kind == "binary" else pl.col("output")


def _fields_of(project: Project) -> tuple[str, ...]:
    source = project.settings.source
    return (*source.request, *source.outcome)


def _checked_expression(project: Project, task: Task, text: str) -> pl.Expr:
    """The expression, after it was computed for no rows."""
    fields = _fields_of(project)
    names = [*fields, "output", DECISION]
    schema = {name: of for name, of in OUTCOMES.schema(project).items() if name in fields}
    nothing = pl.DataFrame(schema=schema | {"output": task.output_dtype})
    try:
        expression = pl.sql_expr(text)
        result = nothing.with_columns(_decision(project, task).alias(DECISION)).select(expression).to_series()
    except (pl.exceptions.PolarsError, TypeError) as error:
        what = f"cannot be computed: {str(error).splitlines()[0]}"
        raise _error(project, what, f"use these names: {', '.join(names)}") from None
    if len(result):
        raise _error(project, "is one value for many rows", "write what one request is worth, without SUM, AVG, ...")
    if not (result.dtype.is_numeric() or result.dtype == pl.Boolean):
        raise _error(project, f"is no number, but {result.dtype}", "CASE WHEN ... THEN 1 ELSE 0 END makes a number")
    return expression


def _error(project: Project, what: str, hint: str) -> InvalidInput:
    return project.layers.error_at(f"the value of an answer {what}", ["ab", "value"], hint)
