"""The book: predictions of the last days and how they ended, in memory. Lets the server judge at the door."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

from mlops_lab.clock import EPOCH
from mlops_lab.outcomes.judge import Verdict, judge

_HOUR = timedelta(hours=1)
_PRUNE_EVERY = 4096


class Made(Protocol):
    """What the book needs to know of a prediction."""

    @property
    def at(self) -> datetime: ...  # noqa: D102


Prediction = TypeVar("Prediction", bound=Made)


class Book(Generic[Prediction]):
    """Predictions made within the last `within_days` (by their own time) before the newest, and their outcomes."""

    def __init__(self, *, within_days: int) -> None:
        self._within = timedelta(days=within_days)
        self._made: dict[str, Prediction] = {}
        self._ended: dict[str, tuple[datetime, Mapping[str, Any]]] = {}
        self._by_hour: dict[int, list[str]] = {}
        self._newest = -1
        self._since_prune = 0

    def find(self, prediction_id: str) -> Prediction | None:
        """The prediction of that id, if it is recent enough to be in the book."""
        return self._made.get(prediction_id)

    def add(self, prediction_id: str, prediction: Prediction, *, at: datetime | None = None) -> None:
        """Enter a prediction; `at` is its moment, where that costs less than to ask it."""
        self._made[prediction_id] = prediction
        hour = ((at or prediction.at) - EPOCH) // _HOUR
        same_hour = self._by_hour.get(hour)
        if same_hour is None:
            same_hour = self._by_hour[hour] = []
            self._newest = max(self._newest, hour)
        same_hour.append(prediction_id)
        self._since_prune += 1
        if self._since_prune >= _PRUNE_EVERY:
            self._prune()

    def replace(self, prediction_id: str, prediction: Prediction) -> None:
        """Enter what is known by now of a prediction that is in the book."""
        self._made[prediction_id] = prediction

    def judge(self, prediction_id: str, known_at: datetime, values: Mapping[str, Any]) -> Verdict:
        """The verdict on an outcome, by what the book holds; changes nothing."""
        made = self._made.get(prediction_id)
        return judge(known_at, values, predicted_at=made.at if made else None, earlier=self._ended.get(prediction_id))

    def known_at(self, prediction_id: str) -> datetime | None:
        """When the accepted outcome of a prediction was known; None where there is none."""
        ended = self._ended.get(prediction_id)
        return ended and ended[0]

    def end(self, prediction_id: str, known_at: datetime, values: Mapping[str, Any]) -> None:
        """Enter the accepted outcome of a prediction."""
        self._ended[prediction_id] = (known_at, values)

    @property
    def pending(self) -> int:
        """The number of predictions in the book without an outcome."""
        return len(self._made) - len(self._ended)

    def _prune(self) -> None:
        self._since_prune = 0
        oldest = self._newest - self._within // _HOUR
        for hour in [hour for hour in self._by_hour if hour < oldest]:
            for prediction_id in self._by_hour.pop(hour):
                self._made.pop(prediction_id, None)
                self._ended.pop(prediction_id, None)
