"""Requests before they are answered: their times, and which of them are new."""

from __future__ import annotations

from datetime import UTC, datetime

from mlops_lab import clock
from mlops_lab.clock import to_micros
from mlops_lab.outcomes.id_index import LoggedIds
from mlops_lab.outcomes.prediction_index import PredictionIndex
from mlops_lab.serving.answering.requests import fill_times, find_new

AT = datetime(2026, 11, 1, tzinfo=UTC)


def test_requests_with_a_time_stay_as_they_are():
    rows = [{"at": AT, "amount": 1}, {"at": AT, "amount": 2}]
    assert fill_times(rows, "at") is rows


def test_requests_without_a_time_are_as_of_now():
    rows = [{"at": AT, "amount": 1}, {"at": None, "amount": 2}]
    before = clock.now()
    first, second = fill_times(rows, "at")
    assert first == rows[0]
    assert before <= second["at"] <= clock.now()
    assert second["amount"] == 2
    assert rows[1]["at"] is None, "what the client sent is not changed"


class Unread:
    """A log of which nothing is stored."""

    def mark(self) -> None:
        return None

    def is_stored(self, mark: None) -> bool:
        return False


def test_only_the_first_request_with_a_new_id_is_new(tmp_path):
    logged = LoggedIds(tmp_path)
    index = PredictionIndex(within_days=1, read_outcome=lambda _: (AT, {}), logged=logged, log=Unread())
    index.add(["known"], [to_micros(AT)], [0])
    rows = [{"number": number} for number in range(4)]
    assert find_new(["a", "known", "a", "b"], rows, index=index) == {"a": rows[0], "b": rows[3]}
