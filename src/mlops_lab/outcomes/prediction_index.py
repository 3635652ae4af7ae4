"""The prediction index: in memory, the predictions of the last days and their outcomes. The server judges by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from mlops_lab.clock import from_micros
from mlops_lab.outcomes.expiring_map import MICROS_PER_HOUR, ExpiringMap
from mlops_lab.outcomes.judge import judge
from mlops_lab.tables.verdict import Verdict

_HOUR = timedelta(hours=1)
_EVICT_EVERY = 4096  # predictions
Outcome = tuple[datetime, dict[str, Any]]
"""When it was known, and its values."""


class IndexedPrediction(NamedTuple):
    """An entry of the index: the time of the prediction, and the locations of its record and of its shadow's record."""

    at: datetime
    location: int
    shadow_location: int | None


class PredictionIndex:
    """Predictions made within the last `within_days` before `now`, by their own time, and their outcomes.

    There are millions of them. So the index holds only the time of each and a number, the location of its record;
    `read_outcome` returns the accepted outcome at a location.
    """

    def __init__(self, *, within_days: int, read_outcome: Callable[[int], Outcome]) -> None:
        self._within_hours = timedelta(days=within_days) // _HOUR
        self._read_outcome = read_outcome
        self._predictions = ExpiringMap()
        # both by the time of the prediction: evicted together with it
        self._outcomes, self._shadows = ExpiringMap(), ExpiringMap()
        self.now = -1
        """The moment (microseconds since 1970) before which predictions become too old."""
        self._added_since_eviction = 0

    def find(self, prediction_id: str) -> IndexedPrediction | None:
        """The prediction with that id; None where there is none, or it is too old to be in the index."""
        prediction = self._predictions.get(prediction_id)
        if prediction is None:
            return None
        shadow = self._shadows.get(prediction_id)
        return IndexedPrediction(from_micros(prediction[0]), prediction[1], shadow and shadow[1])

    def contains(self, prediction_id: str) -> bool:
        """Whether there is a prediction with that id."""
        return self._predictions.get(prediction_id) is not None

    def add(self, ids: Sequence[str], moments: Sequence[int], locations: Sequence[int]) -> None:
        """Add at least one prediction, none of which is in the index. Moments are microseconds since 1970."""
        self._predictions.put(ids, moments, locations)
        self._added_since_eviction += len(ids)
        if self._added_since_eviction >= _EVICT_EVERY:
            self._evict_old()

    def judge(
        self, prediction_id: str, known_at: datetime, values: Mapping[str, Any], *, earlier: Outcome | None = None
    ) -> Verdict:
        """The verdict on an outcome, given what the index holds, or `earlier`, which it does not hold yet; changes
        nothing."""
        prediction = self._predictions.get(prediction_id)
        predicted_at = from_micros(prediction[0]) if prediction else None
        return judge(known_at, values, predicted_at=predicted_at, earlier=earlier or self.outcome(prediction_id))

    def outcome(self, prediction_id: str) -> Outcome | None:
        """The accepted outcome of a prediction; None where there is none."""
        outcome = self._outcomes.get(prediction_id)
        return outcome and self._read_outcome(outcome[1])

    def add_outcome(self, prediction_id: str, location: int) -> bool:
        """Add the accepted outcome of a prediction, or a correction of it; returns whether the prediction is in the
        index. Of several, the one that became known last counts, in whatever order they are read."""
        prediction = self._predictions.get(prediction_id)
        if prediction is not None:
            present = self._outcomes.get(prediction_id)
            if present is not None and self._read_outcome(present[1])[0] > self._read_outcome(location)[0]:
                return True
            self._outcomes.put([prediction_id], [prediction[0]], [location])
        return prediction is not None

    def add_shadow(self, prediction_id: str, location: int) -> None:
        """Add the output of a shadow, if its prediction is in the index."""
        if (prediction := self._predictions.get(prediction_id)) is not None:
            self._shadows.put([prediction_id], [prediction[0]], [location])

    @property
    def pending(self) -> int:
        """The number of predictions in the index without an outcome."""
        return len(self._predictions) - len(self._outcomes)

    def _evict_old(self) -> None:
        self._added_since_eviction = 0
        oldest_hour = self.now // MICROS_PER_HOUR - self._within_hours
        for entries in (self._predictions, self._outcomes, self._shadows):
            entries.evict(oldest_hour)
