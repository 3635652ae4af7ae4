"""Computes answers: chooses a version for each request, reads the features, scores, and builds the records."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

from mlops_lab.clock import from_micros
from mlops_lab.inference.feature_reader import FeatureReader, Inputs
from mlops_lab.inference.predictor import has_no_number
from mlops_lab.journal.records import PredictionRecord, RefusalRecord
from mlops_lab.registry.engines.base import Output
from mlops_lab.serving.answering.counts import FAILED, Failure
from mlops_lab.serving.answering.grouping import assign, group_indexes, pick
from mlops_lab.serving.answering.moments import all_to_micros
from mlops_lab.serving.answering.routing import LiveModels, Route
from mlops_lab.serving.answering.shadows import ShadowRequest, make_shadow_requests

_log = logging.getLogger("mlops_lab.serving")


class AnswerBatch(NamedTuple):
    """The records to write about some requests, in their order, and what is to be scored after the response."""

    records: list[PredictionRecord | RefusalRecord]
    moments: Sequence[int]
    """As of when each request was answered, in microseconds since 1970."""
    shadow_requests: dict[int, list[ShadowRequest]]
    """By the version of the shadow."""
    failures: Sequence[Failure] = ()
    """What versions on trial did not answer."""


class Answerer:
    """Computes answers with the versions that are live; changes nothing.

    Each step is done for all requests at once, list by list: Python spends most of its time on calls of functions.
    """

    def __init__(
        self,
        models: LiveModels,
        readers: Mapping[str, FeatureReader],
        *,
        time: str,
        key: str | None,
        limit: Callable[[Sequence[int]], Sequence[int]],
    ) -> None:
        self._route = lru_cache(maxsize=8192)(models.route)  # the same keys come again and again
        self._fallback = models.fallback
        self._champion, self._has_classes = models.champion, bool(models.champion.plan.classes)
        self._readers = readers
        self._time = time
        self._key = key
        self._limit = limit
        champion = models.champion.features.version
        self.log_columns = readers[champion].log_columns
        """Columns of the champion's features. Records of versions with the same features hold only the values."""
        self._other_columns = {name: reader.log_columns for name, reader in readers.items() if name != champion}

    def answer(self, ids: Sequence[str], rows: Sequence[dict[str, Any]]) -> AnswerBatch:
        """The answers to some requests; a refusal where a view refuses or the model has no answer."""
        if not rows:
            return AnswerBatch([], [], {})
        times = [row[self._time] for row in rows]
        moments: Sequence[int] = all_to_micros(times)
        as_of = self._limit(moments)
        if as_of is not moments:
            times = list(map(from_micros, as_of))
            if self._time == "at":  # the log has one column for both
                rows = [{**row, self._time: at} for row, at in zip(rows, times, strict=True)]
                moments = as_of
        routes = list(map(self._route, self._keys(ids, rows)))
        inputs = self._read(routes, rows, moments, as_of=as_of)
        outputs, failed = self._score(routes, inputs)
        unanswered = _find_unanswered(inputs, outputs)
        failures: Sequence[Failure] = ()
        if on_trial := [index for index in unanswered if routes[index].role != "champion"]:
            failures = [_explain(routes[index], inputs[index], failed=failed) for index in on_trial]
            self._fall_back(on_trial, routes, inputs, outputs, rows=rows, moments=moments, as_of=as_of)
            unanswered = _find_unanswered(inputs, outputs)
        records: list[PredictionRecord | RefusalRecord] = list(
            map(
                PredictionRecord,
                ids,
                times,
                [route.predictor.version for route in routes],
                [route.role for route in routes],
                outputs,
                rows,
                self._features(routes, inputs),
                [item.missing for item in inputs],
                [route.shadow and route.shadow.version for route in routes],
            )
        )
        for index in unanswered:
            records[index] = _refuse(ids[index], rows[index], times[index], routes[index], inputs[index])
        return AnswerBatch(records, as_of, make_shadow_requests(routes, inputs, records=records), failures)

    def _features(self, routes: Sequence[Route], inputs: Sequence[Inputs]) -> list[Any]:
        """The features as records hold them: only values, or by column where the champion has other features."""
        features: list[Any] = [item.looked_up for item in inputs]
        for index, route in enumerate(routes) if self._other_columns else ():
            if (names := self._other_columns.get(route.predictor.features.version)) is not None:
                features[index] = dict(zip(names, features[index], strict=True))
        return features

    def _keys(self, ids: Sequence[str], rows: Sequence[dict[str, Any]]) -> Sequence[str]:
        """The key of each request, by which it is routed: its id where there is no other."""
        if self._key is None:
            return ids
        keys = [row[self._key] for row in rows]
        if None in keys:
            keys = [name if key is None else key for name, key in zip(ids, keys, strict=True)]
        return list(map(str, keys))

    def _fall_back(
        self,
        indexes: Sequence[int],
        routes: list[Route],
        inputs: list[Inputs],
        outputs: list[Output],
        *,
        rows: Sequence[dict[str, Any]],
        moments: Sequence[int],
        as_of: Sequence[int],
    ) -> None:
        """Let the champion answer the requests at these indexes, which a version on trial does not answer."""
        new_routes = [self._fallback] * len(indexes)
        new_inputs = self._read(new_routes, pick(rows, indexes), pick(moments, indexes), as_of=pick(as_of, indexes))
        assign(routes, indexes, new_routes)
        assign(inputs, indexes, new_inputs)
        assign(outputs, indexes, self._score(new_routes, new_inputs)[0])

    def _read(
        self, routes: Sequence[Route], rows: Sequence[dict[str, Any]], moments: Sequence[int], *, as_of: Sequence[int]
    ) -> list[Inputs]:
        """The inputs of each request; versions with the same features read together."""
        inputs: list[Any] = [None] * len(rows)
        for version, indexes in group_indexes([route.predictor.features.version for route in routes]).items():
            read = self._readers[version].read
            assign(inputs, indexes, read(pick(rows, indexes), pick(moments, indexes), as_of=pick(as_of, indexes)))
        return inputs

    def _score(self, routes: Sequence[Route], inputs: Sequence[Inputs]) -> tuple[list[Output], Collection[int]]:
        """The outputs, and the versions on trial that failed: theirs are no numbers."""
        outputs: list[Any] = [None] * len(inputs)
        values, failed = [item.values for item in inputs], list[int]()
        for predictor, indexes in group_indexes([route.predictor for route in routes]).items():
            try:
                assign(outputs, indexes, predictor.score_rows(pick(values, indexes)))
            except Exception:
                if predictor is self._champion:
                    raise
                _log.exception("version %d failed: the champion answers for it", predictor.version)
                failed.append(predictor.version)
                assign(outputs, indexes, [[math.nan] if self._has_classes else math.nan] * len(indexes))
        return outputs, failed


def _find_unanswered(inputs: Sequence[Inputs], outputs: Sequence[Output]) -> list[int]:
    """The indexes of the requests that a view refuses, or that a model has no answer to."""
    numbers: Iterable[Any] = chain.from_iterable(outputs) if isinstance(outputs[0], list) else outputs  # type: ignore[arg-type]
    refused = [item.refused_by for item in inputs]
    if refused.count(None) == len(refused) and not any(map(math.isnan, numbers)):  # as nearly always
        return []
    pairs = enumerate(zip(inputs, outputs, strict=True))
    return [index for index, (item, output) in pairs if item.refused_by is not None or has_no_number(output)]


def _explain(route: Route, inputs: Inputs, *, failed: Collection[int]) -> Failure:
    """Why the version on trial did not answer."""
    version = route.predictor.version
    if inputs.refused_by is not None:
        return Failure(version, route.role, inputs.missing[inputs.refused_by])
    return Failure(version, route.role, FAILED if version in failed else "no_answer")


def _refuse(name: str, row: dict[str, Any], time: datetime, route: Route, inputs: Inputs) -> RefusalRecord:
    view = inputs.refused_by or ""
    reason = inputs.missing[view] if view else "no_answer"
    return RefusalRecord(name, time, route.predictor.version, view, reason, row)
