"""Shadows: what another version would have answered, scored when the answer is given already."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mlops_lab.inference.feature_reader import FeatureReader
from mlops_lab.inference.predictor import Predictor
from mlops_lab.journal.records import ShadowRecord
from mlops_lab.registry.engines.base import Output
from mlops_lab.serving.answering.answerer import ShadowRequest, is_nan

MOST_WAITING = 20_000
"""Requests that may wait for their shadow; beyond that they get none. An answer never waits for one."""
_log = logging.getLogger("mlops_lab.serving")


class ShadowTask(NamedTuple):
    """Some requests, ready to be scored by a shadow, in whatever thread."""

    predictor: Predictor
    glances: Sequence[ShadowRequest]
    values: Sequence[Sequence[Any]]

    def score(self) -> list[Output] | None:
        """The outputs; None, and a line in the log, where the version cannot."""
        try:
            return self.predictor.score_rows(self.values)
        except Exception:  # a version on trial may fail in any way, and nobody waits for it
            _log.exception("version %d failed in shadow", self.predictor.version)
            return None


class Shadows:
    """The requests that wait for their shadow."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, list[ShadowRequest]]] = deque()
        self._rows = 0

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, glances: Mapping[int, list[ShadowRequest]]) -> int:
        """Have these scored when there is time; how many are not, because too many wait."""
        shed = 0
        for version, some in glances.items():
            if self._rows + len(some) > MOST_WAITING:
                shed += len(some)
                continue
            self._rows += len(some)
            self._waiting.append((version, some))
        return shed

    def take(self, predictors: Mapping[int, Predictor], readers: Mapping[str, FeatureReader]) -> ShadowTask | None:
        """The next to score; None where none waits. What a version that has left would have said, nobody asks."""
        while self._waiting:
            version, glances = self._waiting.popleft()
            self._rows -= len(glances)
            if (predictor := predictors.get(version)) is not None:
                return _prepare(predictor, readers[predictor.features.version], glances)
        return None


def _prepare(predictor: Predictor, reader: FeatureReader, glances: Sequence[ShadowRequest]) -> ShadowTask:
    """What was read for the answer is read again only where the shadow sees other features: as of the same moment it
    is the same."""
    others = iter(reader.read([glance.row for glance in glances if glance.values is None]))
    kept: list[ShadowRequest] = []
    values: list[Sequence[Any]] = []
    for glance in glances:
        if glance.values is not None:
            kept.append(glance)
            values.append(glance.values)
        elif (found := next(others)).refused_by is None:
            kept.append(glance)
            values.append(found.values)
    return ShadowTask(predictor, kept, values)


def shadow_records(task: ShadowTask, outputs: Sequence[Output], *, time: str) -> list[ShadowRecord]:
    """What to write down of a task that was scored."""
    return [
        ShadowRecord(glance.id, glance.row[time], task.predictor.version, output)
        for glance, output in zip(task.glances, outputs, strict=True)
        if not is_nan(output)
    ]
