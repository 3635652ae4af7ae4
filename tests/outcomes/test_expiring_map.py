"""The map of the prediction index: the entries of a dict in a fraction of its memory, also after packing and eviction."""

import tracemalloc
from itertools import product

from hypothesis import given
from hypothesis import strategies as st
from slow import examples

from mlops_lab.ids import new_id
from mlops_lab.outcomes.expiring_map import MICROS_PER_HOUR, ExpiringMap

OURS = "0123456789abcdef0123456789abcdef"
NAMES = ["", "a", "ä\ud800", OURS, OURS.upper(), OURS[:30] + " f", "0" * 31 + "g", "x" * 500, *"bcdefgh"]
names = st.sampled_from(NAMES)
hours = st.integers(-3, 12)
puts = st.lists(st.tuples(names, hours, st.integers(0, 2**64 - 1)), max_size=12, unique_by=lambda put: put[0])
steps = st.lists(st.one_of(puts, st.integers(0, 12)), max_size=40)


@examples(300)
@given(steps, st.integers(1, 5))
def test_it_holds_what_a_dict_would_hold(steps, block_entries):
    """A step is a list of entries that are put at once, if they are new; or an hour, before which entries are evicted."""
    entries, oldest = ExpiringMap(block_entries=block_entries), 0
    expected: dict[str, tuple[int, int]] = {}
    for step in steps:
        if isinstance(step, int):
            oldest = max(oldest, step)
            entries.evict(oldest, entries.mark())
            expected = {name: entry for name, entry in expected.items() if entry[0] // MICROS_PER_HOUR >= oldest}
            continue
        new = [(name, hour * MICROS_PER_HOUR + 5, number) for name, hour, number in step if name not in expected]
        if new:
            entries.put(*zip(*new, strict=True))
        expected |= {name: (at, number) for name, at, number in new}
        assert len(entries) == len(expected)
    assert {name: entries.get(name) for name in NAMES} == {name: expected.get(name) for name in NAMES}


@given(puts, puts, hours, hours)
def test_what_came_after_the_mark_stays(before, after, hour, later):
    entries = ExpiringMap(block_entries=3)
    marks = []
    for number, part in enumerate((before, after)):
        for name, at, value in part:
            entries.put([f"{number}{name}"], [at * MICROS_PER_HOUR], [value])
        marks.append(entries.mark())
    entries.evict(hour, marks[0])
    kept = {f"0{name}" for name, at, _ in before if at >= hour} | {f"1{name}" for name, *_ in after}
    assert {name for name in map("".join, product("01", NAMES)) if entries.get(name)} == kept
    assert len(entries) == len(kept)
    entries.evict(max(hour, later), entries.mark())
    assert len(entries) == sum(at >= max(hour, later) for _, at, _ in [*before, *after])


def test_many_entries_take_little_memory_and_none_is_lost():
    names = [new_id() for _ in range(20_000)]
    moments = [number * MICROS_PER_HOUR // 100 for number in range(len(names))]
    tracemalloc.start()
    entries = ExpiringMap()
    for start in range(0, len(names), 700):
        entries.put(names[start : start + 700], moments[start : start + 700], range(start, len(names))[:700])
    taken, _ = tracemalloc.get_traced_memory()
    entries.evict(150, entries.mark())
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken / len(names) < 50
    assert kept < 0.35 * taken  # the last 50 of 200 hours
    assert len(entries) == 5_000
    for number, name in enumerate(names):
        assert entries.get(name) == (None if number < 15_000 else (moments[number], number))
    assert entries.get(new_id()) is None
