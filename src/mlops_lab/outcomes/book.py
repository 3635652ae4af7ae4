"""The book: predictions of the last days and how they ended, in memory. Lets the server judge at the door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from mlops_lab.clock import from_micros, to_micros
from mlops_lab.outcomes.judge import Verdict, judge
from mlops_lab.outcomes.timed import MICROS_AN_HOUR, TimedMap

_HOUR = timedelta(hours=1)
_PRUNE_EVERY = 4096
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[datetime, dict[str, Any]]).decode


class Made(NamedTuple):
    """What the book holds of a prediction: when it was made, and the bytes that came with it."""

    at: datetime
    content: bytes


class Book:
    """Predictions made within the last `within_days` (by their own time) before the newest, and their outcomes."""

    def __init__(self, *, within_days: int) -> None:
        self._within_hours = timedelta(days=within_days) // _HOUR
        self._made = TimedMap()
        self._ended = TimedMap()  # by the moment of the prediction: both are forgotten together
        self._newest = -1
        self._since_prune = 0

    def find(self, prediction_id: str) -> Made | None:
        """The prediction of that id, if it is recent enough to be in the book."""
        found = self._made.get(prediction_id)
        return found and Made(from_micros(found[0]), found[1])

    def add(self, prediction_id: str, at: datetime, content: bytes = b"") -> None:
        """Enter a prediction that is not in the book."""
        self.add_all([(prediction_id, to_micros(at), content)])

    def add_all(self, predictions: Sequence[tuple[str, int, bytes]]) -> None:
        """Enter predictions that are not in the book: ids, moments (microseconds since 1970) and contents."""
        self._made.put_all(predictions)
        self._newest = max(self._newest, *[micros for _, micros, _ in predictions])
        self._since_prune += len(predictions)
        if self._since_prune >= _PRUNE_EVERY:
            self._prune()

    def replace(self, prediction_id: str, at: datetime, content: bytes) -> None:
        """Enter what is known by now of a prediction that is in the book, of that moment."""
        self._made.replace(prediction_id, to_micros(at), content)

    def judge(self, prediction_id: str, known_at: datetime, values: Mapping[str, Any]) -> Verdict:
        """The verdict on an outcome, by what the book holds; changes nothing."""
        made = self.find(prediction_id)
        return judge(known_at, values, predicted_at=made.at if made else None, earlier=self._outcome(prediction_id))

    def known_at(self, prediction_id: str) -> datetime | None:
        """When the accepted outcome of a prediction was known; None where there is none."""
        ended = self._outcome(prediction_id)
        return ended and ended[0]

    def end(self, prediction_id: str, known_at: datetime, values: Mapping[str, Any]) -> None:
        """Enter the accepted outcome of a prediction; of one that is not in the book, nothing need be known."""
        if (made := self._made.get(prediction_id)) is not None:
            self._ended.put(prediction_id, made[0], _encode((known_at, values)))

    @property
    def pending(self) -> int:
        """The number of predictions in the book without an outcome."""
        return len(self._made) - len(self._ended)

    def _outcome(self, prediction_id: str) -> tuple[datetime, dict[str, Any]] | None:
        ended = self._ended.get(prediction_id)
        return ended and _decode(ended[1])

    def _prune(self) -> None:
        self._since_prune = 0
        oldest_hour = self._newest // MICROS_AN_HOUR - self._within_hours
        self._made.forget(oldest_hour)
        self._ended.forget(oldest_hour)
