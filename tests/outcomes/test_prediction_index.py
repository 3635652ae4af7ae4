"""The book: whatever comes in whatever order, each prediction ends at most once."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_lab.clock import to_micros
from mlops_lab.outcomes.prediction_index import PredictionIndex
from mlops_lab.tables.verdict import Verdict

START = datetime(2013, 3, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Made:
    """A prediction, as far as the book cares."""

    id: str
    at: datetime


def hour(number: int) -> datetime:
    return START + timedelta(hours=number)


class Ledger:
    """A book, and the outcomes that it says are written down."""

    def __init__(self, *, within_days: int) -> None:
        self.written = []
        self.book = PredictionIndex(within_days=within_days, read_outcome=self.written.__getitem__)

    def add(self, name: str, at: datetime) -> None:
        self.book.add([name], [to_micros(at)], [0])

    def end(self, name: str, known_at: datetime, values: dict) -> None:
        self.written.append((known_at, values))
        self.book.end(name, len(self.written) - 1)


names = st.sampled_from("abcd")
predictions = st.builds(Made, names, st.integers(0, 5).map(hour))
outcomes = st.tuples(names, st.integers(0, 8).map(hour), st.fixed_dictionaries({"late": st.booleans()}))
events = st.lists(st.one_of(predictions, outcomes), max_size=40)


def play(arriving) -> list[tuple[str, datetime, dict, Verdict]]:
    """What a server does with these: the first prediction of an id stands, an accepted outcome is entered."""
    ledger, told = Ledger(within_days=7), []
    book = ledger.book
    for event in arriving:
        if isinstance(event, Made):
            if book.find(event.id) is None:
                ledger.add(event.id, event.at)
            continue
        name, known_at, values = event
        verdict = book.judge(name, known_at, values)
        assert book.judge(name, known_at, values) is verdict  # asking changes nothing
        if verdict is Verdict.ACCEPTED:
            ledger.end(name, known_at, values)
        told.append((name, known_at, values, verdict))
    made = {event.id for event in reversed(arriving) if isinstance(event, Made)}
    ended = {name for name, *_, verdict in told if verdict is Verdict.ACCEPTED}
    assert book.pending == len(made) - len(ended)
    return told


@settings(max_examples=200)
@given(events)
def test_no_prediction_is_counted_twice(arriving):
    told = play(arriving)
    assert max(Counter(name for name, *_, verdict in told if verdict is Verdict.ACCEPTED).values(), default=0) <= 1


@settings(max_examples=200)
@given(events)
def test_the_verdicts_are_those_of_a_plain_ledger(arriving):
    made: dict[str, datetime] = {}
    ended: dict[str, tuple[datetime, dict]] = {}
    told = iter(play(arriving))
    for event in arriving:
        if isinstance(event, Made):
            made.setdefault(event.id, event.at)
            continue
        name, known_at, values = event
        if name not in made:
            expected = Verdict.UNKNOWN
        elif name in ended:
            expected = Verdict.DUPLICATE if ended[name] == (known_at, values) else Verdict.CONFLICT
        elif known_at < made[name]:
            expected = Verdict.TOO_EARLY
        else:
            expected = Verdict.ACCEPTED
            ended[name] = (known_at, values)
        assert next(told)[-1] is expected


@settings(max_examples=200)
@given(events, st.data())
def test_the_same_again_changes_nothing(arriving, data):
    """Deliveries repeated at random, as a client does that got no answer."""
    repeated = []
    for event in arriving:
        repeated += [event] * (1 + data.draw(st.integers(0, 2)))
    once = [outcome[:3] for outcome in play(arriving) if outcome[-1] is Verdict.ACCEPTED]
    again = [outcome[:3] for outcome in play(repeated) if outcome[-1] is Verdict.ACCEPTED]
    assert once == again


def test_a_story_by_example():
    ledger = Ledger(within_days=7)
    book = ledger.book
    ledger.add("a", hour(1))
    ledger.add("b", hour(1))
    assert book.judge("a", hour(0), {"late": True}) is Verdict.TOO_EARLY
    assert book.judge("a", hour(3), {"late": True}) is Verdict.ACCEPTED
    ledger.end("a", hour(3), {"late": True})
    assert book.judge("a", hour(3), {"late": True}) is Verdict.DUPLICATE
    assert book.judge("a", hour(3), {"late": False}) is Verdict.CONFLICT
    assert book.judge("c", hour(3), {"late": False}) is Verdict.UNKNOWN
    assert book.pending == 1


def test_the_book_forgets_what_is_older_than_its_days():
    ledger = Ledger(within_days=2)
    book = ledger.book
    for number in range(5000):  # a prediction every minute: three and a half days
        ledger.add(str(number), START + timedelta(minutes=number))
        if number < 100:
            ledger.end(str(number), hour(100), {"late": True})
    assert book.find("0") is None
    assert book.judge("0", hour(100), {"late": True}) is Verdict.UNKNOWN  # not accepted a second time
    kept = [number for number in range(5000) if book.find(str(number)) is not None]
    assert kept == list(range(kept[0], 5000))
    assert 2 * 24 * 60 <= len(kept) < 2 * 24 * 60 + 4096
    assert book.pending == len(kept)


def test_a_shadow_is_found_beside_its_prediction():
    ledger = Ledger(within_days=7)
    ledger.add("a", hour(1))
    ledger.book.cast_shadow("a", 5)
    ledger.book.cast_shadow("nobody", 6)
    assert ledger.book.find("a") == (hour(1), 0, 5)
    assert ledger.book.find("nobody") is None
