"""Answering requests: route, compute the features, score, write down."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mlops_lab.errors import Conflict, InvalidInput
from mlops_lab.registry.engine import Output
from mlops_lab.serving.predictor import FeatureReader, Inputs, Predictor
from mlops_lab.serving.records import PredictionRecord, RefusalRecord
from mlops_lab.serving.routing import LiveModels, Route


class Asked(NamedTuple):
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
        places: dict[Route, list[int]] = {}
        for place, request in enumerate(asked):
            places.setdefault(self._models.route(request.key), []).append(place)
        records: list[Any] = [None] * len(asked)
        glances: dict[int, list[Glance]] = {}
        for route, there in places.items():
            some = asked if len(there) == len(asked) else [asked[place] for place in there]
            self._answer_by(route, some, there, records, glances)
        return Answers(records, glances)

    def _answer_by(
        self,
        route: Route,
        asked: Sequence[Asked],
        places: Sequence[int],
        records: list[Any],
        glances: dict[int, list[Glance]],
    ) -> None:
        predictor, shadow = route.predictor, route.shadow
        inputs = self.read(predictor, [request.row for request in asked])
        outputs = predictor.score_rows([found.values for found in inputs])
        names, version, time = predictor.features.inputs, predictor.version, self._time
        beside = shadow.version if shadow else None
        same = shadow is not None and shadow.features.version == predictor.features.version
        declined: list[int] = []
        for place, (name, row, _), found, output in zip(places, asked, inputs, outputs, strict=True):
            if found.refused_by is not None or is_nan(output):
                if route.role != "champion":
                    declined.append(place)
                    continue
                records[place] = refusal(name, row, found, version=version, time=time)
                continue
            features = dict(zip(names, found.values, strict=True))
            records[place] = PredictionRecord(
                name, row[time], version, route.role, output, row, features, found.missing, beside
            )
            if shadow is not None:
                glances.setdefault(shadow.version, []).append(Glance(name, row, found if same else None))
        if declined:
            again = dict(zip(places, asked, strict=True))
            self._answer_by(self._models.fallback, [again[place] for place in declined], declined, records, glances)

    def read(self, predictor: Predictor, rows: Sequence[Mapping[str, Any]]) -> list[Inputs]:
        """What a version sees of some requests."""
        return self._readers[predictor.features.version].read(rows)


def refusal(name: str, row: dict[str, Any], found: Inputs, *, version: int, time: str) -> RefusalRecord:
    """The record of a request without an answer."""
    view = found.refused_by or ""
    return RefusalRecord(name, row[time], version, view, found.missing[view] if view else "no_answer", row)


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
