"""The book: predictions of the last days and how they ended, in memory. Lets the server judge at the door."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from mlops_lab.clock import from_micros
from mlops_lab.outcomes.expiring_map import MICROS_AN_HOUR, ExpiringMap
from mlops_lab.outcomes.judge import judge
from mlops_lab.tables.verdict import Verdict

_HOUR = timedelta(hours=1)
_PRUNE_EVERY = 4096
Outcome = tuple[datetime, dict[str, Any]]
"""When it was known, and its values."""


class IndexedPrediction(NamedTuple):
    """What the book holds of a prediction: when it was made, and where it was written down; where its shadow was."""

    at: datetime
    place: int
    shadow_place: int | None


class PredictionIndex:
    """Predictions made within the last `within_days` (by their own time) before the newest, and their outcomes.

    There are millions, so it holds of each but its moment and a number, which says where it was written down;
    `read_outcome` finds an accepted outcome again by that.
    """

    def __init__(self, *, within_days: int, read_outcome: Callable[[int], Outcome]) -> None:
        self._within_hours = timedelta(days=within_days) // _HOUR
        self._read_outcome = read_outcome
        self._made = ExpiringMap()
        self._ended, self._shadows = ExpiringMap(), ExpiringMap()  # by the moment of the prediction: forgotten with it
        self._newest = -1
        self._since_prune = 0

    def find(self, prediction_id: str) -> IndexedPrediction | None:
        """The prediction of that id, if it is recent enough to be in the book."""
        found = self._made.get(prediction_id)
        if found is None:
            return None
        shadow = self._shadows.get(prediction_id)
        return IndexedPrediction(from_micros(found[0]), found[1], shadow and shadow[1])

    def add(self, ids: Sequence[str], moments: Sequence[int], places: Sequence[int]) -> None:
        """Enter predictions that are not in the book, at least one: moments are microseconds since 1970."""
        self._made.put(ids, moments, places)
        self._newest = max(self._newest, *moments)
        self._since_prune += len(ids)
        if self._since_prune >= _PRUNE_EVERY:
            self._prune()

    def judge(self, prediction_id: str, known_at: datetime, values: Mapping[str, Any]) -> Verdict:
        """The verdict on an outcome, by what the book holds; changes nothing."""
        made = self._made.get(prediction_id)
        predicted_at = from_micros(made[0]) if made else None
        return judge(known_at, values, predicted_at=predicted_at, earlier=self.outcome(prediction_id))

    def outcome(self, prediction_id: str) -> Outcome | None:
        """The accepted outcome of a prediction; None where there is none."""
        ended = self._ended.get(prediction_id)
        return ended and self._read_outcome(ended[1])

    def end(self, prediction_id: str, place: int) -> bool:
        """Enter the accepted outcome of a prediction; whether that is in the book: else nothing need be known."""
        made = self._made.get(prediction_id)
        if made is not None:
            self._ended.put([prediction_id], [made[0]], [place])
        return made is not None

    def cast_shadow(self, prediction_id: str, place: int) -> None:
        """Enter what a shadow said, as `end` does."""
        if (made := self._made.get(prediction_id)) is not None:
            self._shadows.put([prediction_id], [made[0]], [place])

    @property
    def pending(self) -> int:
        """The number of predictions in the book without an outcome."""
        return len(self._made) - len(self._ended)

    def _prune(self) -> None:
        self._since_prune = 0
        oldest_hour = self._newest // MICROS_AN_HOUR - self._within_hours
        for entries in (self._made, self._ended, self._shadows):
            entries.forget(oldest_hour)
