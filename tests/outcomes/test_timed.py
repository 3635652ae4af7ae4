"""The map of the book: what a dict would say, in a fraction of its room, also where it has packed and forgotten."""

import tracemalloc

from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_lab.ids import new_id
from mlops_lab.outcomes.timed import MICROS_AN_HOUR, TimedMap

OURS = "0123456789abcdef0123456789abcdef"
NAMES = ["", "a", "ä\ud800", OURS, OURS.upper(), OURS[:30] + " f", "0" * 31 + "g", "x" * 500, *"bcdefgh"]
names = st.sampled_from(NAMES)
hours = st.integers(-3, 12)
puts = st.tuples(names, hours, st.binary(max_size=12))
steps = st.lists(st.one_of(puts, st.integers(0, 12)), max_size=80)


@settings(max_examples=300)
@given(steps, st.integers(1, 5))
def test_it_says_what_a_dict_says(steps, drawer_entries):
    """A put is one, or a replacement; a number forgets what is of an earlier hour, of what came before it."""
    entries, oldest = TimedMap(drawer_entries=drawer_entries), 0
    expected: dict[str, tuple[int, bytes]] = {}
    for step in steps:
        if isinstance(step, int):
            oldest = max(oldest, step)
            entries.forget(oldest)
            expected = {name: one for name, one in expected.items() if one[0] // MICROS_AN_HOUR >= oldest}
            continue
        name, hour, content = step
        if name in expected:
            expected[name] = expected[name][0], content
            entries.replace(name, *expected[name])
        else:
            expected[name] = hour * MICROS_AN_HOUR + 5, content
            entries.put(name, *expected[name])
        assert entries.get(name) == expected[name]
    assert len(entries) == len(expected)
    assert {name: entries.get(name) for name in NAMES} == {name: expected.get(name) for name in NAMES}


def test_many_take_little_room_and_none_is_lost():
    names = [new_id() for _ in range(20_000)]
    tracemalloc.start()
    entries = TimedMap()
    for number, name in enumerate(names):
        entries.put(name, number * MICROS_AN_HOUR // 100, b"%050d" % number)
    taken, _ = tracemalloc.get_traced_memory()
    entries.forget(150)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken / len(names) < 50 + 50
    assert kept < 0.35 * taken  # the last 50 of 200 hours
    assert len(entries) == 5_000
    for number, name in enumerate(names):
        assert entries.get(name) == (None if number < 15_000 else (number * MICROS_AN_HOUR // 100, b"%050d" % number))
    assert entries.get(new_id()) is None
