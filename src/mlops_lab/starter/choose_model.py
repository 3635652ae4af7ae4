"""The recipe for an analysed table: compared on (a sample of) its rows, without those that gates hold out."""

from __future__ import annotations

import numpy as np
import polars as pl

from mlops_lab.contracts.moments import parse_moments
from mlops_lab.errors import MlopsError
from mlops_lab.features.definition import Features
from mlops_lab.project import PIPELINE_NAME
from mlops_lab.registry.package import Plan
from mlops_lab.starter.analysis import TableAnalysis
from mlops_lab.starter.choose_recipe import ChosenRecipe, choose_recipe, fit_text, sample_size
from mlops_lab.starter.columns import ColumnProfile, profile_column
from mlops_lab.starter.pipeline import list_model_inputs, write_pipeline
from mlops_lab.tasks.base import Task
from mlops_lab.tasks.make import make_task
from mlops_lab.tasks.regression import scale_of
from mlops_lab.training.packaging import package
from mlops_lab.training.training_set import TrainingSet

_TRAINING_SHARE = 0.8
_SERVED_ROWS = 1_000
_SEED = 0


def choose_model(frame: pl.DataFrame, found: TableAnalysis) -> ChosenRecipe:
    """The recipe that predicts the table best, among those that an engine serves as they were trained.

    The last fifth of the rows plays no part: the gates test the first candidate on it.
    """
    columns = _read_sample(frame, found)
    features = _read_features(found)
    label = columns[found.target.field]
    scale = scale_of(found.task, label.cast(pl.Float64)) if found.task == "regression" else 1.0
    task = make_task(found.task, classes=found.classes, scale=scale)
    truth = task.encode(_name_classes(label) if found.classes else label)
    inputs = features.select(columns)
    time = found.first("time")
    return choose_recipe(
        task,
        inputs,
        truth,
        rows=found.rows,
        kinds=list_model_inputs(found),
        moments=columns[time.field] if time else None,
        is_served=lambda text, rows: _is_served(text, rows, features=features, task=task, found=found),
    )


def _read_sample(frame: pl.DataFrame, found: TableAnalysis) -> pl.DataFrame:
    """The fields of the rows to compare on: in the order of their time, or else drawn at random."""
    target, time = found.target, found.first("time")
    is_known = frame[target.name].is_not_null()
    order = pl.select(pl.arg_where(is_known)).to_series()
    if time is not None:
        moments = _read(frame[time.name], time)[order]
        order = order.filter(moments.is_not_null()).gather(moments.drop_nulls().arg_sort())
    order = order.head(max(round(len(order) * _TRAINING_SHARE), 1))
    classes = len(found.classes)
    size = min(sample_size(len(found.inputs), classes), len(order))
    if time is not None:
        order = order.tail(size)
    else:
        order = order.gather(np.random.default_rng(_SEED).choice(len(order), size, replace=False))
    used = [target, *([time] if time else []), *found.inputs]
    sample = frame[order]
    fields = pl.DataFrame([_read(sample[column.name], column).alias(column.field) for column in used])
    return fields.filter(pl.all_horizontal(pl.selectors.float().is_finite().fill_null(value=True)))


def _read(values: pl.Series, column: ColumnProfile) -> pl.Series:
    """The values as the project will read them."""
    if column.kind == "datetime" and (moments := parse_moments(values, column.format)) is not None:
        return moments
    return profile_column(values, column.field, moment_format=column.format)[1]


def _read_features(found: TableAnalysis) -> Features:
    """The features of the project, as its pipeline.py defines them."""
    names: dict[str, Features] = {}
    exec(compile(write_pipeline(found), PIPELINE_NAME, "exec"), names)
    return names["features"]


def _name_classes(label: pl.Series) -> pl.Series:
    return (label.cast(pl.Int64) if label.dtype.is_numeric() else label).cast(pl.String)


def _is_served(text: str, rows: TrainingSet, *, features: Features, task: Task, found: TableAnalysis) -> bool:
    """Whether an engine answers like the estimator of the text, which is trained on some of the rows."""
    fitted = fit_text(text, rows)
    plan = Plan(
        task=task.kind,
        classes=list(found.classes),
        outputs=fitted.outputs,
        scale=getattr(task, "scale", 1.0),
        request={column.field: column.type for column in found.inputs},
        time="",
        tables={},
        features=features.as_dict(),
        categories=fitted.categories,
    )
    try:
        package(fitted, plan, rows.inputs.head(_SERVED_ROWS))
    except MlopsError:
        return False
    return True
