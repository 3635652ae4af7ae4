"""The prediction index: whatever arrives in whatever order, each prediction gets at most one outcome."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from slow import examples

from mlops_lab.clock import to_micros
from mlops_lab.outcomes.id_index import LoggedIds
from mlops_lab.outcomes.prediction_index import PredictionIndex
from mlops_lab.tables.verdict import COUNTED, Verdict

START = datetime(2013, 3, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Prediction:
    """The part of a prediction that the index needs."""

    id: str
    at: datetime


def hour(number: int) -> datetime:
    return START + timedelta(hours=number)


class Ledger:
    """A prediction index, and the outcomes whose locations it holds."""

    def __init__(self, *, within_days: int) -> None:
        self.written, self.added, self.stored = [], 0, 10**9
        self.index = PredictionIndex(
            within_days=within_days,
            read_outcome=self.written.__getitem__,
            logged=LoggedIds(Path("there are none")),
            log=self,
        )

    def mark(self) -> int:
        return self.added

    def is_stored(self, mark: int) -> bool:
        """Whether the first `mark` predictions are in the lake."""
        return mark <= self.stored

    def add(self, name: str, at: datetime) -> None:
        self.index.now = max(self.index.now, to_micros(at))
        self.added += 1
        self.index.add([name], [to_micros(at)], [0])

    def add_outcome(self, name: str, known_at: datetime, values: dict) -> None:
        self.written.append((known_at, values))
        self.index.add_outcome(name, len(self.written) - 1)


names = st.sampled_from("abcd")
predictions = st.builds(Prediction, names, st.integers(0, 5).map(hour))
outcomes = st.tuples(names, st.integers(0, 8).map(hour), st.fixed_dictionaries({"late": st.booleans()}))
events = st.lists(st.one_of(predictions, outcomes), max_size=40)


def play(arriving) -> list[tuple[str, datetime, dict, Verdict]]:
    """What a server does with these: the first prediction with an id stays, an accepted outcome is added."""
    ledger, judged = Ledger(within_days=7), []
    index = ledger.index
    for event in arriving:
        if isinstance(event, Prediction):
            if index.find(event.id) is None:
                ledger.add(event.id, event.at)
            continue
        name, known_at, values = event
        verdict = index.judge(name, known_at, values)
        assert index.judge(name, known_at, values) is verdict  # asking changes nothing
        if verdict in COUNTED:
            ledger.add_outcome(name, known_at, values)
        judged.append((name, known_at, values, verdict))
    made = {event.id for event in reversed(arriving) if isinstance(event, Prediction)}
    accepted = {name for name, *_, verdict in judged if verdict is Verdict.ACCEPTED}
    assert index.pending == len(made) - len(accepted)
    return judged


@examples(200)
@given(events)
def test_no_prediction_is_counted_twice(arriving):
    judged = play(arriving)
    assert max(Counter(name for name, *_, verdict in judged if verdict is Verdict.ACCEPTED).values(), default=0) <= 1


@examples(200)
@given(events)
def test_the_verdicts_are_those_of_a_plain_ledger(arriving):
    made: dict[str, datetime] = {}
    accepted: dict[str, tuple[datetime, dict]] = {}
    judged = iter(play(arriving))
    for event in arriving:
        if isinstance(event, Prediction):
            made.setdefault(event.id, event.at)
            continue
        name, known_at, values = event
        if name not in made:
            expected = Verdict.UNKNOWN
        elif name in accepted:
            before = accepted[name]
            expected = Verdict.DUPLICATE if before == (known_at, values) else Verdict.CONFLICT
            if known_at > before[0] and values != before[1]:
                expected = Verdict.CORRECTED
                accepted[name] = (known_at, values)
        elif known_at < made[name]:
            expected = Verdict.TOO_EARLY
        else:
            expected = Verdict.ACCEPTED
            accepted[name] = (known_at, values)
        assert next(judged)[-1] is expected


@examples(200)
@given(events, st.data())
def test_the_same_again_changes_nothing(arriving, data):
    """Deliveries repeated at random, as a client does that got no answer."""
    repeated = []
    for event in arriving:
        repeated += [event] * (1 + data.draw(st.integers(0, 2)))
    once = [outcome[:3] for outcome in play(arriving) if outcome[-1] is Verdict.ACCEPTED]
    again = [outcome[:3] for outcome in play(repeated) if outcome[-1] is Verdict.ACCEPTED]
    assert once == again


def test_one_sequence_by_example():
    ledger = Ledger(within_days=7)
    index = ledger.index
    ledger.add("a", hour(1))
    ledger.add("b", hour(1))
    assert index.judge("a", hour(0), {"late": True}) is Verdict.TOO_EARLY
    assert index.judge("a", hour(3), {"late": True}) is Verdict.ACCEPTED
    ledger.add_outcome("a", hour(3), {"late": True})
    assert index.judge("a", hour(3), {"late": True}) is Verdict.DUPLICATE
    assert index.judge("a", hour(3), {"late": False}) is Verdict.CONFLICT
    assert index.judge("c", hour(3), {"late": False}) is Verdict.UNKNOWN
    assert index.pending == 1


def test_predictions_older_than_the_window_are_evicted():
    ledger = Ledger(within_days=2)
    index = ledger.index
    for number in range(5000):  # a prediction every minute: three and a half days
        ledger.add(str(number), START + timedelta(minutes=number))
        if number < 100:
            ledger.add_outcome(str(number), hour(100), {"late": True})
    assert index.find("0") is None
    assert index.judge("0", hour(100), {"late": True}) is Verdict.UNKNOWN  # not accepted a second time
    kept = [number for number in range(5000) if index.find(str(number)) is not None]
    assert kept == list(range(kept[0], 5000))
    assert 2 * 24 * 60 <= len(kept) < 2 * 24 * 60 + 4096
    assert index.pending == len(kept)


def test_what_is_in_no_other_index_stays():
    ledger = Ledger(within_days=2)
    ledger.stored = 4096
    for number in range(12_500):  # the clock of the data jumps ahead with every one of them
        ledger.add(str(number), START + timedelta(days=3 * number))
    assert [number for number in range(12_500) if ledger.index.find(str(number))] == list(range(4095, 12_500))
    ledger.stored = 10**9
    for number in range(12_500, 16_400):
        ledger.add(str(number), START + timedelta(days=3 * number))
    assert ledger.index.find("12000") is None
    assert ledger.index.pending < 100


def test_a_shadow_is_found_with_its_prediction():
    ledger = Ledger(within_days=7)
    ledger.add("a", hour(1))
    ledger.index.add_shadow("a", 5)
    ledger.index.add_shadow("nobody", 6)
    assert ledger.index.find("a") == (hour(1), 0, 5)
    assert ledger.index.find("nobody") is None
