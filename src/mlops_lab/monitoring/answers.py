"""Answers, computed again from the inputs that were logged."""

from __future__ import annotations

import msgspec
import numpy as np
import polars as pl

from mlops_lab.errors import EnvironmentFault
from mlops_lab.inference.predictor import Predictor
from mlops_lab.registry.columns import Answers
from mlops_lab.schemas.casts import complete_columns
from mlops_lab.training.agreement import distances, read_agreement, tolerance_of


def answer_again(predictor: Predictor, inputs: pl.DataFrame) -> pl.Series:
    """The answers of a version to inputs that were logged. What the log does not have is null."""
    schema = {**predictor.request_schema, **predictor.view_schema}
    names = predictor.features.inputs
    known = {name: schema.get(name, inputs.schema.get(name, pl.Float64())) for name in names}
    return predictor.score(complete_columns(inputs, known).select(names))


def find_other_answers(predictor: Predictor, served: pl.Series, computed: pl.Series) -> pl.Series:
    """Which answers are not those that were computed: to the last bit where the engine is exact, else by more than the
    tolerance that the package states."""
    left, right = _to_array(served, computed), _to_array(computed, computed)
    if predictor.engine.exact:
        different = left.view(np.int64) != right.view(np.int64)
        nowhere = np.isnan(left) & np.isnan(right)
        return pl.Series((different & ~nowhere).reshape(len(left), -1).any(axis=1))
    apart = distances(right, left, scale=predictor.plan.scale)
    return pl.Series(apart > allowed_distance(predictor))


def _to_array(answers: pl.Series, like: pl.Series) -> Answers:
    """The answers with the shape of others; what is null, or not a number, is NaN."""
    if not isinstance(like.dtype, pl.List):
        return answers.cast(pl.Float64, strict=False).to_numpy().astype(np.float64)
    lists = answers if isinstance(answers.dtype, pl.List) else pl.Series([None] * len(answers), dtype=like.dtype)
    width = len(like[0])
    columns = [lists.list.get(index, null_on_oob=True).cast(pl.Float64, strict=False) for index in range(width)]
    longer = lists.list.len().fill_null(0) > width
    return np.where(longer.to_numpy()[:, None], np.nan, np.column_stack([column.to_numpy() for column in columns]))


def allowed_distance(predictor: Predictor) -> float:
    """By how much answers of a version that count as equal may differ; 0 where its engine is exact."""
    if predictor.engine.exact:
        return 0.0
    try:
        return read_agreement(predictor.package).tolerance
    except (EnvironmentFault, msgspec.MsgspecError):  # the report is not part of what is registered
        return tolerance_of(predictor.engine)
