"""Shadows: another version scores the same requests after their clients got the response."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from mlops_lab.clock import to_micros
from mlops_lab.inference.feature_reader import FeatureReader, Inputs
from mlops_lab.inference.predictor import Predictor, has_no_number
from mlops_lab.journal.records import PredictionRecord, RefusalRecord, ShadowRecord
from mlops_lab.registry.engines.base import Output
from mlops_lab.serving.answering.routing import Route
from mlops_lab.serving.answering.trials import Trial
from mlops_lab.serving.answering.worker_state import WorkerState

MOST_WAITING = 20_000
"""How many requests may wait for their shadow; further ones are not scored. A response never waits for a shadow."""
MOST_AT_ONCE = 512
"""How many requests are scored together."""
_log = logging.getLogger("mlops_lab.serving")


class ShadowRequest(NamedTuple):
    """A request for a shadow to score."""

    id: str
    """Of the prediction."""
    row: dict[str, Any]
    at: datetime
    """As of when it was answered."""
    values: tuple[Any, ...] | None
    """The inputs; None where the shadow uses other features than the version that answered."""
    answer: Output | None = None
    """What was answered; None where the shadow answers with other classes."""
    is_missing: bool = False
    """Whether a view had no values for the version that answered."""


def make_shadow_requests(
    routes: Sequence[Route], inputs: Sequence[Inputs], *, records: Sequence[PredictionRecord | RefusalRecord]
) -> dict[int, list[ShadowRequest]]:
    """By version, what shadows are to score of the requests that were answered."""
    requests: dict[int, list[ShadowRequest]] = {}
    shadows = [route.shadow for route in routes]
    if shadows.count(None) == len(shadows):
        return requests
    for route, item, record in zip(routes, inputs, records, strict=True):
        if route.shadow is not None and isinstance(record, PredictionRecord):
            is_same = route.shadow.features.version == route.predictor.features.version
            is_alike = route.shadow.plan.classes == route.predictor.plan.classes
            request = ShadowRequest(
                record.id,
                record.request,
                record.at,
                item.values if is_same else None,
                record.output if is_alike else None,
                bool(record.missing),
            )
            requests.setdefault(route.shadow.version, []).append(request)
    return requests


def unscored_requests(state: WorkerState) -> dict[int, list[ShadowRequest]]:
    """By version, the requests that an earlier process did not score. Their outputs do not depend on when they are."""
    requests: dict[int, list[ShadowRequest]] = {}
    for name, version in state.unscored_shadows.items():
        if (record := state.read_prediction(name)) is not None:
            requests.setdefault(version, []).append(ShadowRequest(name, record.request, record.at, None))
    return requests


class Scored(NamedTuple):
    """The outputs of a shadow, None where it failed, and how many seconds they took."""

    outputs: list[Output] | None
    seconds: float


class Lookups(NamedTuple):
    """Of the requests for which a shadow read features of its own: how many lacked values of a view, for it and for the
    version that answered."""

    requests: int = 0
    missing: int = 0
    missing_before: int = 0


class ShadowTask(NamedTuple):
    """Some requests with their inputs, ready to be scored by a shadow in any thread; without inputs where they could
    not be read."""

    predictor: Predictor
    requests: Sequence[ShadowRequest]
    values: Sequence[Sequence[Any]] | None
    taken: Sequence[ShadowRequest]
    """These requests, and those that get no output because a view refuses them."""
    lookups: Lookups = Lookups()

    def run(self) -> Scored:
        """The outputs, and how long they took."""
        began = time.perf_counter()
        outputs = self.score()
        return Scored(outputs, time.perf_counter() - began)

    def judge(self, scored: Scored) -> Trial:
        """What became of the requests."""
        outputs, asked, refused = scored.outputs, len(self.taken), len(self.taken) - len(self.requests)
        if outputs is None:
            return Trial(asked=asked, failed=len(self.requests), unanswered=refused)
        unanswered = refused + sum(map(has_no_number, outputs))
        trial = Trial(asked=asked, unanswered=unanswered, timed=len(outputs), seconds=scored.seconds)
        trial.looked_up, trial.missing, trial.missing_before = self.lookups
        pairs = [
            (output, request.answer)
            for request, output in zip(self.requests, outputs, strict=True)
            if request.answer is not None
        ]
        if pairs:
            trial.compare([output for output, _ in pairs], [answer for _, answer in pairs])
        return trial

    def score(self) -> list[Output] | None:
        """The outputs; None, and a line in the log, where the version fails."""
        if self.values is None:
            return None
        try:
            return self.predictor.score_rows(self.values)
        except Exception:  # a version on trial may fail in any way, and no client waits for it
            _log.exception("version %d failed in shadow", self.predictor.version)
            return None


class ShadowQueue:
    """The requests that wait for their shadow, by its version."""

    def __init__(self) -> None:
        self._waiting: dict[int, list[ShadowRequest]] = {}
        self._unscored: set[str] = set()
        """The ids of those that wait, and of those that are being scored."""

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def holds(self, ids: Iterable[str]) -> bool:
        """Whether one of these predictions is not scored yet."""
        return bool(self._unscored) and not self._unscored.isdisjoint(ids)

    def add(self, requests: Mapping[int, list[ShadowRequest]]) -> int:
        """Add requests by version; returns how many were dropped because too many wait already."""
        dropped = 0
        for version, batch in requests.items():
            if sum(map(len, self._waiting.values())) + len(batch) > MOST_WAITING:
                dropped += len(batch)
                continue
            self._waiting.setdefault(version, []).extend(batch)
            self._unscored.update(request.id for request in batch)
        return dropped

    def take(self, predictors: Mapping[int, Predictor], readers: Mapping[str, FeatureReader]) -> ShadowTask | None:
        """The next requests to score; None where none wait. Those of a version that is no longer live are dropped."""
        while self._waiting:
            version = next(iter(self._waiting))
            requests = self._waiting.pop(version)
            if (predictor := predictors.get(version)) is None:
                self.end(requests)
                continue
            if more := requests[MOST_AT_ONCE:]:
                self._waiting[version] = more
            return _make_task(predictor, readers[predictor.features.version], requests[:MOST_AT_ONCE])
        return None

    def end(self, requests: Iterable[ShadowRequest]) -> None:
        """Note that these requests are scored, or never will be."""
        self._unscored.difference_update(request.id for request in requests)


def _make_task(predictor: Predictor, reader: FeatureReader, requests: Sequence[ShadowRequest]) -> ShadowTask:
    """A task with the inputs of all requests. They are read here where the shadow uses other features; as of when the
    request was answered, so that it does not matter when."""
    unread = [request for request in requests if request.values is None]
    try:
        found = reader.read([request.row for request in unread], as_of=[to_micros(request.at) for request in unread])
    except Exception:  # as in `ShadowTask.score`
        _log.exception("the features of version %d could not be read in shadow", predictor.version)
        return ShadowTask(predictor, requests, None, requests)
    read = iter(found)
    kept: list[ShadowRequest] = []
    values: list[Sequence[Any]] = []
    for request in requests:
        if request.values is not None:
            kept.append(request)
            values.append(request.values)
        elif (inputs := next(read)).refused_by is None:
            kept.append(request)
            values.append(inputs.values)
    lookups = Lookups(
        len(unread),
        sum(bool(inputs.missing) for inputs in found),
        sum(request.is_missing for request in unread),
    )
    return ShadowTask(predictor, kept, values, requests, lookups)


def shadow_records(task: ShadowTask, outputs: Sequence[Output]) -> list[ShadowRecord]:
    """The records to write for a task that was scored."""
    return [
        ShadowRecord(request.id, request.at, task.predictor.version, output)
        for request, output in zip(task.requests, outputs, strict=True)
        if not has_no_number(output)
    ]
