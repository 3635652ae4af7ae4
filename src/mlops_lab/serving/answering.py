"""Answering requests: route, compute the features, score, write down."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec

from mlops_lab.errors import Conflict, InvalidInput
from mlops_lab.registry.engine import Output
from mlops_lab.serving.predictor import FeatureReader, Inputs, Predictor
from mlops_lab.serving.records import PredictionRecord, RefusalRecord
from mlops_lab.serving.routing import LiveModels, Route

Kind = TypeVar("Kind", bound=Hashable)
Item = TypeVar("Item")
Result = TypeVar("Result")


class Asked(msgspec.Struct, frozen=True, gc=False):
    """A request whose answer is not known yet: its id, its fields, its key."""

    id: str
    row: dict[str, Any]
    key: str


class Glance(NamedTuple):
    """A request for the shadow: the prediction's id, its request, and its inputs if the shadow has the same ones."""

    id: str
    row: dict[str, Any]
    inputs: Inputs | None


class Answers(NamedTuple):
    """What to write down about some requests, in their order, and what is left to score after they are answered."""

    records: list[PredictionRecord | RefusalRecord]
    glances: dict[int, list[Glance]]
    """By the version of the shadow."""


class Answerer:
    """Computes answers by the versions that are live; changes nothing."""

    def __init__(self, models: LiveModels, readers: Mapping[str, FeatureReader], *, time: str) -> None:
        self._models = models
        self._readers = readers
        self._time = time

    def answer(self, asked: Sequence[Asked]) -> Answers:
        """The answers to some requests; a refusal where a view refuses or the model has no answer."""
        if not asked:
            return Answers([], {})
        routes = [self._models.route(request.key) for request in asked]
        inputs = self._read([route.predictor for route in routes], asked)
        outputs = _score([route.predictor for route in routes], inputs)
        for place, route in enumerate(routes):
            if route.role != "champion" and (inputs[place].refused_by is not None or is_nan(outputs[place])):
                routes[place] = fallback = self._models.fallback
                inputs[place : place + 1] = self._read([fallback.predictor], [asked[place]])
                outputs[place : place + 1] = _score([fallback.predictor], [inputs[place]])
        glances: dict[int, list[Glance]] = {}
        records = [
            self._record(request, route, found, output, glances)
            for request, route, found, output in zip(asked, routes, inputs, outputs, strict=True)
        ]
        return Answers(records, glances)

    def _record(
        self, asked: Asked, route: Route, found: Inputs, output: Output, glances: dict[int, list[Glance]]
    ) -> PredictionRecord | RefusalRecord:
        predictor, role, shadow = route
        name, row = asked.id, asked.row
        if found.refused_by is not None or is_nan(output):
            view = found.refused_by or ""
            reason = found.missing[view] if view else "no_answer"
            return RefusalRecord(name, row[self._time], predictor.version, view, reason, row)
        beside = None
        if shadow is not None:
            beside = shadow.version
            same = shadow.features.version == predictor.features.version
            glances.setdefault(beside, []).append(Glance(name, row, found if same else None))
        features = predictor.name_inputs(*found.values)
        return PredictionRecord(
            name, row[self._time], predictor.version, role, output, row, features, found.missing, beside
        )

    def _read(self, predictors: Sequence[Predictor], asked: Sequence[Asked]) -> list[Inputs]:
        """What each version sees of its request; versions with the same features read together."""
        return _in_groups(
            [predictor.features.version for predictor in predictors],
            [request.row for request in asked],
            lambda version, rows: self._readers[version].read(rows),
        )


def _score(predictors: Sequence[Predictor], inputs: Sequence[Inputs]) -> list[Output]:
    values = [found.values for found in inputs]
    return _in_groups(predictors, values, lambda predictor, rows: predictor.score_rows(rows))


def _in_groups(
    kinds: Sequence[Kind], items: Sequence[Item], work: Callable[[Kind, Sequence[Item]], list[Result]]
) -> list[Result]:
    """The results of `work` on the items of each kind together, in the order of the items."""
    if not items:
        return []
    if kinds.count(kinds[0]) == len(kinds):
        return work(kinds[0], items)
    places: dict[Kind, list[int]] = {}
    for place, kind in enumerate(kinds):
        places.setdefault(kind, []).append(place)
    results: list[Any] = [None] * len(items)
    for kind, there in places.items():
        for place, result in zip(there, work(kind, [items[place] for place in there]), strict=True):
            results[place] = result
    return results


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
