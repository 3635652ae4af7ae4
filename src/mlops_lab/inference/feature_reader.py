"""Computes the inputs of a model for a few requests, from the online store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import repeat
from operator import itemgetter
from typing import Any

import msgspec
import polars as pl

from mlops_lab.clock import to_micros
from mlops_lab.contracts.fields import DTYPES
from mlops_lab.features.online import OnlineStore, entity_of
from mlops_lab.inference.predictor import Predictor
from mlops_lab.tables.log_columns import feature_columns

TOO_OLD = "too_old"
"""Why a view has no values for a request that is so old that its facts are not all at hand."""
_NOTHING_MISSING: dict[str, str] = {}


class Inputs(msgspec.Struct, frozen=True, gc=False):
    """The inputs of one request."""

    values: tuple[Any, ...]
    """All inputs, in the order of the feature definition."""
    looked_up: tuple[Any, ...]
    """Those that the request itself does not hold."""
    missing: dict[str, str]
    """By view without facts, the reason."""
    refused_by: str | None
    """The first view without facts that is declared to refuse then."""


class FeatureReader:
    """Computes the inputs of one feature definition for a few requests, from the store, column by column.

    Request fields and view values are used as they are; only the columns that derived features need become a frame.
    Moments enter it as integers, which Polars reads ten times faster than datetimes.

    `request_names` are the fields that requests have now (None: those that the version was trained with); a field that
    they do not have any more is null. A request from before `known_since` finds no facts of that
    table: the store has not all of them.
    """

    def __init__(
        self,
        predictor: Predictor,
        store: OnlineStore,
        *,
        request_names: Collection[str] | None = None,
        known_since: Mapping[str, datetime] | None = None,
    ) -> None:
        features = predictor.features
        self._known_since = {table: to_micros(moment) for table, moment in (known_since or {}).items()}
        self._store = store
        self._time = predictor.plan.time
        self._views = [(view, entity_of(list(view.keys)), list(view.values)) for view in features.views]
        schema = {**predictor.request_schema, **predictor.view_schema}
        self._has_derived = any(name in features.derived for name in features.inputs)
        self._roots = [(name, schema[name], schema[name] == DTYPES["datetime"]) for name in features.roots]
        needed = dict.fromkeys([*features.inputs, *features.roots])
        known = predictor.request_schema if request_names is None else request_names
        self._fields = [name for name in needed if name in predictor.request_schema and name in known]
        self._removed = [name for name in needed if name in predictor.request_schema and name not in known]
        self._pick_fields = _make_picker(self._fields)
        self._features = features
        columns = feature_columns(features.inputs, features.computed, predictor.request_schema)
        self._looked_up = list(columns)
        self.log_columns = list(columns.values())
        """The columns of the log for the inputs that the request itself does not hold."""

    def read(
        self,
        rows: Sequence[Mapping[str, Any]],
        moments: Sequence[int] | None = None,
        *,
        as_of: Sequence[int] | None = None,
    ) -> list[Inputs]:
        """The inputs of each request as of its time, or `as_of`. `moments`: those times, if known. Both in microseconds
        since 1970."""
        if not rows:
            return []
        if not self._views and not self._has_derived and not self._removed:  # the fields are the inputs
            return [Inputs(values, (), _NOTHING_MISSING, None) for values in map(self._pick_fields, rows)]
        if moments is None:
            moments = [to_micros(row[self._time]) for row in rows]
        columns: dict[str, Sequence[Any]] = dict(
            zip(self._fields, zip(*map(self._pick_fields, rows), strict=True), strict=True)
        )
        columns.update(dict.fromkeys(self._removed, [None] * len(rows)))
        missing: list[dict[str, str]] = [_NOTHING_MISSING] * len(rows)
        refused: list[str | None] = [None] * len(rows)
        as_of = as_of or moments
        oldest = min(as_of)
        for view, entity, names in self._views:
            values, reasons = self._store.read(view, list(map(entity, rows)), as_of)
            if oldest < (since := self._known_since.get(view.table, oldest)):
                for index in [index for index, moment in enumerate(as_of) if moment < since]:
                    values[index], reasons[index] = view.defaults, TOO_OLD
            columns.update(zip(names, zip(*values, strict=True), strict=True))
            for index, reason in reasons.items():
                missing[index] = {**missing[index], view.name: reason}
                if view.refuses and refused[index] is None:
                    refused[index] = view.name
        if self._has_derived:
            columns.update(self._derive(columns, moments))
        return list(
            map(Inputs, _to_rows(columns, self._features.inputs), _to_rows(columns, self._looked_up), missing, refused)
        )

    def _derive(self, columns: Mapping[str, Sequence[Any]], moments: Sequence[int]) -> dict[str, list[Any]]:
        rows, roots = len(moments), []
        for name, dtype, is_moment in self._roots:
            values: Sequence[Any] = columns[name]
            if is_moment:
                values = (
                    moments if name == self._time else [None if value is None else to_micros(value) for value in values]
                )
            if rows == 1:  # as `Features.derive` does, but faster
                values = [*values, *values]
            root = pl.Series(name, values, dtype=pl.Int64 if is_moment else dtype)
            roots.append(root.cast(dtype) if is_moment else root)
        derived = self._features.derive(roots, rows=max(rows, 2))
        return {column.name: column.to_list()[:rows] for column in derived.iter_columns()}


def _make_picker(names: Sequence[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """A function from a row to the values of these names, in their order."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda row: tuple([row[name] for name in names])


def _to_rows(columns: Mapping[str, Sequence[Any]], names: Sequence[str]) -> Iterable[tuple[Any, ...]]:
    """The values of these columns, row by row; without columns, empty rows without end."""
    return zip(*[columns[name] for name in names], strict=True) if names else repeat(())
