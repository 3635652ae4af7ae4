"""Answering requests: route, compute the features, score, write down."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple, TypeVar

import msgspec
import numpy as np

from mlops_lab.clock import to_micros
from mlops_lab.errors import Conflict, InvalidInput
from mlops_lab.inference.feature_reader import FeatureReader, Inputs
from mlops_lab.journal.records import PredictionRecord, RefusalRecord
from mlops_lab.registry.engines.base import Output
from mlops_lab.serving.answering.routing import LiveModels, Route

_MANY = 32  # moments: from so many on NumPy pays
_MOST, _HEAD_BYTES = 2**16 - 1, 3  # a list of more has a longer head in MessagePack
_encode = msgspec.msgpack.Encoder().encode
_SECONDS = np.dtype([("kind", ">u2"), ("seconds", ">u4")])
_PARTS = np.dtype([("kind", ">u2"), ("both", ">u8")])
_PARTS_KIND = 0xD7FF
Kind = TypeVar("Kind", bound=Hashable)
Item = TypeVar("Item")


class ShadowRequest(NamedTuple):
    """A request for the shadow: the prediction's id, its request, and its inputs if the shadow has the same ones."""

    id: str
    row: dict[str, Any]
    values: tuple[Any, ...] | None


class AnswerBatch(NamedTuple):
    """What to write down about some requests, in their order, and what is left to score after they are answered."""

    records: list[PredictionRecord | RefusalRecord]
    moments: list[int]
    """What each was answered as of, in microseconds since 1970."""
    glances: dict[int, list[ShadowRequest]]
    """By the version of the shadow."""


class Answerer:
    """Computes answers by the versions that are live; changes nothing.

    Everything is done for all requests at once, list by list: Python takes most of its time where it goes from one
    function to the next.
    """

    def __init__(self, models: LiveModels, readers: Mapping[str, FeatureReader], *, time: str, key: str | None) -> None:
        self._route = lru_cache(maxsize=8192)(models.route)  # the same keys come again and again
        self._fallback = models.fallback
        self._readers = readers
        self._time = time
        self._key = key
        champion = models.champion.features.version
        self.names = readers[champion].looked_up
        """Of what versions looked up that see what the champion sees: their records hold the values alone."""
        self._named = {version: reader.looked_up for version, reader in readers.items() if version != champion}

    def answer(self, ids: Sequence[str], rows: Sequence[dict[str, Any]]) -> AnswerBatch:
        """The answers to some requests; a refusal where a view refuses or the model has no answer."""
        if not rows:
            return AnswerBatch([], [], {})
        times = [row[self._time] for row in rows]
        moments = all_to_micros(times)
        routes = list(map(self._route, self._keys(ids, rows)))
        inputs = self._read(routes, rows, moments)
        outputs = _score(routes, inputs)
        without = _without_answer(inputs, outputs)
        if others := [place for place in without if routes[place].role != "champion"]:
            self._fall_back(others, routes, inputs, outputs, rows=rows, moments=moments)
            without = _without_answer(inputs, outputs)
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
                [one.missing for one in inputs],
                [route.shadow and route.shadow.version for route in routes],
            )
        )
        for place in without:
            records[place] = _refuse(ids[place], rows[place], times[place], routes[place], inputs[place])
        return AnswerBatch(records, moments, _glance(routes, inputs, records))

    def _features(self, routes: Sequence[Route], inputs: Sequence[Inputs]) -> list[Any]:
        """What a record holds of what each version saw: see `names`."""
        features: list[Any] = [one.looked_up for one in inputs]
        for place, route in enumerate(routes) if self._named else ():
            if (names := self._named.get(route.predictor.features.version)) is not None:
                features[place] = dict(zip(names, features[place], strict=True))
        return features

    def _keys(self, ids: Sequence[str], rows: Sequence[dict[str, Any]]) -> Sequence[str]:
        if self._key is None:
            return ids
        keys = [row[self._key] for row in rows]
        if None in keys:
            keys = [name if key is None else key for name, key in zip(ids, keys, strict=True)]
        return list(map(str, keys))

    def _fall_back(
        self,
        places: Sequence[int],
        routes: list[Route],
        inputs: list[Inputs],
        outputs: list[Output],
        *,
        rows: Sequence[dict[str, Any]],
        moments: Sequence[int],
    ) -> None:
        """Have the champion answer what a version on trial does not."""
        there = [self._fallback] * len(places)
        seen = self._read(there, _take(rows, places), _take(moments, places))
        _put(routes, places, there)
        _put(inputs, places, seen)
        _put(outputs, places, _score(there, seen))

    def _read(self, routes: Sequence[Route], rows: Sequence[dict[str, Any]], moments: Sequence[int]) -> list[Inputs]:
        """What each version sees of its request; versions with the same features read together."""
        found: list[Any] = [None] * len(rows)
        for version, places in _by_kind([route.predictor.features.version for route in routes]).items():
            _put(found, places, self._readers[version].read(_take(rows, places), _take(moments, places)))
        return found


def _score(routes: Sequence[Route], inputs: Sequence[Inputs]) -> list[Output]:
    found: list[Any] = [None] * len(inputs)
    values = [one.values for one in inputs]
    for predictor, places in _by_kind([route.predictor for route in routes]).items():
        _put(found, places, predictor.score_rows(_take(values, places)))
    return found


def _without_answer(inputs: Sequence[Inputs], outputs: Sequence[Output]) -> list[int]:
    """The places of what a view refuses, or a model has no answer to."""
    numbers: Iterable[Any] = chain.from_iterable(outputs) if isinstance(outputs[0], list) else outputs  # type: ignore[arg-type]
    refused = [one.refused_by for one in inputs]
    if refused.count(None) == len(refused) and not any(map(math.isnan, numbers)):  # as nearly always
        return []
    both = enumerate(zip(inputs, outputs, strict=True))
    return [place for place, (one, output) in both if one.refused_by is not None or is_nan(output)]


def _refuse(name: str, row: dict[str, Any], time: datetime, route: Route, found: Inputs) -> RefusalRecord:
    view = found.refused_by or ""
    reason = found.missing[view] if view else "no_answer"
    return RefusalRecord(name, time, route.predictor.version, view, reason, row)


def _glance(
    routes: Sequence[Route], inputs: Sequence[Inputs], records: Sequence[PredictionRecord | RefusalRecord]
) -> dict[int, list[ShadowRequest]]:
    """What is left for shadows of the requests that were answered."""
    glances: dict[int, list[ShadowRequest]] = {}
    shadows = [route.shadow for route in routes]
    if shadows.count(None) == len(shadows):
        return glances
    for route, one, record in zip(routes, inputs, records, strict=True):
        if route.shadow is not None and isinstance(record, PredictionRecord):
            same = route.shadow.features.version == route.predictor.features.version
            glance = ShadowRequest(record.id, record.request, one.values if same else None)
            glances.setdefault(route.shadow.version, []).append(glance)
    return glances


def _by_kind(kinds: Sequence[Kind]) -> dict[Kind, Sequence[int]]:
    """The places of each kind."""
    if kinds.count(kinds[0]) == len(kinds):
        return {kinds[0]: range(len(kinds))}
    places: dict[Kind, list[int]] = {}
    for place, kind in enumerate(kinds):
        places.setdefault(kind, []).append(place)
    return {**places}


def _take(items: Sequence[Item], places: Sequence[int]) -> Sequence[Item]:
    return items if len(places) == len(items) else [items[place] for place in places]


def _put(items: list[Item], places: Sequence[int], new: Sequence[Item]) -> None:
    if len(places) == len(items):
        items[:] = new
        return
    for place, item in zip(places, new, strict=True):
        items[place] = item


def all_to_micros(moments: Sequence[datetime]) -> list[int]:
    """`to_micros` of each. Of many it is ten times as fast: Python divides durations slowly, while MessagePack writes a
    moment as its seconds (4 bytes), or as nanoseconds and seconds (30 and 34 bits), which NumPy turns into numbers."""
    count = len(moments)
    if count < _MANY or count > _MOST:
        return list(map(to_micros, moments))
    packed = _encode(moments)
    size = (len(packed) - _HEAD_BYTES) / count
    if size == _SECONDS.itemsize:
        seconds = np.frombuffer(packed, _SECONDS, offset=_HEAD_BYTES)["seconds"]
        whole: list[int] = (seconds.astype(np.int64) * 1_000_000).tolist()
        return whole
    found = np.frombuffer(packed, _PARTS, offset=_HEAD_BYTES) if size == _PARTS.itemsize else None
    if found is None or (found["kind"] != _PARTS_KIND).any():  # some of this kind and some of that
        return list(map(to_micros, moments))
    both = found["both"].astype(np.uint64)  # the nanoseconds reach into the highest bit
    micros: list[int] = ((both & (2**34 - 1)) * 1_000_000 + (both >> 34) // 1000).tolist()
    return micros


def is_nan(output: Output) -> bool:
    """Whether a model has no answer."""
    return any(map(math.isnan, output)) if isinstance(output, list) else math.isnan(output)


def explain_refusal(record: RefusalRecord) -> InvalidInput:
    """A refusal as the error that the client gets."""
    if not record.view:
        nothing = ", ".join(name for name, value in record.request.items() if value is None)
        return InvalidInput(
            f"the model of version {record.version} has no answer to this request",
            code="no_answer",
            where=f"fields without a value: {nothing}" if nothing else "$",
            hint="send all fields; or let the pipeline fill what is missing (SimpleImputer), and train anew",
        )
    return InvalidInput(
        f'view "{record.view}" knows nothing of it ({record.reason}), and refuses then',
        code="missing_features",
        where=f"view {record.view}",
        hint="send what is known of it first, or declare defaults: missing={...} in pipeline.py",
    )


def other_request(name: str) -> Conflict:
    """The error for an id that stands for another request already."""
    return Conflict(
        f'the id "{name}" was answered before, for another request',
        code="id_reused",
        where="$.id",
        hint="give each request an id of its own, or none",
    )
