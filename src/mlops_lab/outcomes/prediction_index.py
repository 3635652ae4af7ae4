"""The prediction index: the predictions of the last days and their outcomes, in memory. The server judges by it.

Of all that are older, the id indexes on the disk tell that they were there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from mlops_lab.clock import from_micros
from mlops_lab.outcomes.expiring_map import MICROS_PER_HOUR, ExpiringMap
from mlops_lab.outcomes.id_index import LoggedIds
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


class Log(Protocol):
    """What the predictions are read from."""

    def mark(self) -> object:
        """How far it was read."""

    def is_stored(self, mark: Any) -> bool:
        """Whether all that was read then is in the lake, and so in the id indexes."""


class PredictionIndex:
    """Predictions made within the last `within_days` before `now`, by their own time, and their outcomes.

    There are millions of them. So the index holds only the time of each and a number, the location of its record;
    `read_outcome` returns the accepted outcome at a location. Older ones leave it as soon as they are `logged`: from
    then on no more is known of them than that they were there.

    `is_shared`: other machines answer, too, and the log holds their predictions. Of one that is not in the index only
    the loop can tell whether it is too old: see `intake.elsewhere`.
    """

    def __init__(
        self,
        *,
        within_days: int,
        read_outcome: Callable[[int], Outcome],
        logged: LoggedIds,
        log: Log,
        is_shared: bool = False,
    ) -> None:
        self._within_hours = timedelta(days=within_days) // _HOUR
        self._read_outcome = read_outcome
        self._logged = logged
        self._log = log
        self._is_shared = is_shared
        self._predictions = ExpiringMap()
        # both by the time of the prediction: evicted together with it
        self._outcomes, self._shadows = ExpiringMap(), ExpiringMap()
        self._marks: deque[tuple[object, list[int]]] = deque()
        """How far the log was read some time ago, and what was in the maps then; the oldest first."""
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
        """Whether there was ever a prediction with that id."""
        return self._predictions.get(prediction_id) is not None or prediction_id in self._logged.predictions

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
        if prediction is None and prediction_id in self._logged.predictions:
            if self._logged.has_outcome(prediction_id, values):
                return Verdict.DUPLICATE
            return Verdict.UNKNOWN if self._is_shared else Verdict.TOO_LATE
        earlier = earlier or self.outcome(prediction_id)
        if self._is_shared and earlier is None and prediction is not None:
            self._logged.refresh()  # another server may have taken the outcome
            if self._logged.has_outcome(prediction_id, values):
                return Verdict.DUPLICATE
        predicted_at = from_micros(prediction[0]) if prediction else None
        return judge(known_at, values, predicted_at=predicted_at, earlier=earlier)

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

    def add_outcomes(self, ids: Sequence[str], moments: Sequence[int], locations: Sequence[int]) -> None:
        """Add the accepted outcomes of predictions of these moments that are in the index and have none."""
        self._outcomes.put(ids, moments, locations)

    def add_shadow(self, prediction_id: str, location: int) -> None:
        """Add the output of a shadow, if its prediction is in the index."""
        if (prediction := self._predictions.get(prediction_id)) is not None:
            self._shadows.put([prediction_id], [prediction[0]], [location])

    @property
    def pending(self) -> int:
        """The number of predictions in the index without an outcome."""
        return len(self._predictions) - len(self._outcomes)

    def _evict_old(self) -> None:
        """Evict what is too old, but for what came since all that is in the lake: nothing else would know of it."""
        self._added_since_eviction = 0
        maps = (self._predictions, self._outcomes, self._shadows)
        self._marks.append((self._log.mark(), [entries.mark() for entries in maps]))
        stored: list[int] = []
        while self._marks and self._log.is_stored(self._marks[0][0]):
            stored = self._marks.popleft()[1]
        if stored:
            self._logged.refresh()
            oldest_hour = self.now // MICROS_PER_HOUR - self._within_hours
            for entries, mark in zip(maps, stored, strict=True):
                entries.evict(oldest_hour, mark)
