"""From rows to facts, and from facts to values."""

import pytest

from mlops_lab.features import View, count, largest, last, mean, total
from mlops_lab.features.online import ALWAYS, Fact, FactRow
from mlops_lab.features.view_reader import ViewReader, WindowReader

MINUTE = 60_000_000
LATEST = ViewReader(View("l", "t", by="k", ttl="2m", values={"x": last("x"), "n": last("n")}, missing={"x": 0.5}))
HOUR = WindowReader(
    View("h", "t", by="k", over="1h", values={"m": mean("x"), "top": largest("x"), "n": count("x")}, missing={"m": 9.0})
)


def fact(known, x, seen=None):
    return Fact(known if seen is None else seen, known, "1", (x,) * 3)


@pytest.mark.parametrize(
    ("fact_row", "expected"),
    [
        (FactRow({"k": "a", "x": 1.0}, 5, 7, "i"), ("a", Fact(7, 5, "i", (1.0, 1.0, 1.0)))),
        (FactRow({"k": None, "x": 1.0}, 5, 7, "i"), None),
        (FactRow({"k": "a", "x": 1.0}, ALWAYS, ALWAYS, "i"), None),
        (FactRow({"k": "a", "x": 1.0}, 0, 60 * MINUTE, "i"), None),
        (FactRow({"k": "a", "x": 1.0}, 0, 60 * MINUTE - 1, "i"), ("a", Fact(60 * MINUTE - 1, 0, "i", (1.0,) * 3))),
    ],
)
def test_a_row_becomes_a_fact_if_it_can_be_in_a_window(fact_row, expected):
    assert HOUR.to_fact(fact_row) == expected


def test_a_fact_that_was_always_known_is_a_latest_fact():
    row = {"k": "a", "x": 1.0, "n": None}
    assert LATEST.to_fact(FactRow(row, ALWAYS, ALWAYS, "i")) == ("a", Fact(ALWAYS, ALWAYS, "i", (1.0, None)))


def test_the_latest_fact_gives_its_values_until_it_is_stale():
    known = Fact(0, 0, "1", (1.0, None))
    assert LATEST.from_latest(known, 2 * MINUTE) == ((1.0, None), None)
    assert LATEST.from_latest(known, 2 * MINUTE + 1) == ((0.5, None), "stale")
    assert LATEST.from_latest(None, 0) == ((0.5, None), "unknown")


def test_a_window_gives_values_or_defaults():
    assert HOUR.from_facts([fact(1, 2.0), fact(2, None), fact(3, 4.0)]) == ((3.0, 4.0, 2.0), None)
    assert HOUR.from_facts([fact(1, None)]) == ((9.0, None, 0.0), "empty")
    assert HOUR.without_facts("no_key") == ((9.0, None, 0.0), "no_key")


def test_a_retraction_takes_back_what_its_fact_added():
    retraction = fact(1, 2.0, seen=3)._replace(weight=-1)
    assert HOUR.terms_of(retraction) == tuple(-term for term in HOUR.terms_of(fact(1, 2.0)))
    assert HOUR.from_facts([fact(1, 2.0), retraction, fact(1, 5.0, seen=3), fact(2, 1.0)]) == ((3.0, 5.0, 2.0), None)
    assert HOUR.from_facts([fact(1, 2.0), retraction]) == ((9.0, None, 0.0), "empty")
    row = FactRow({"k": "a", "x": 2.0}, 1, 3, "1", -1)
    assert HOUR.to_fact(row) == ("a", retraction)


def test_a_count_and_a_sum_are_defined_without_facts():
    reader = WindowReader(View("h", "t", by="k", over="1h", values={"n": count("x"), "s": total("x")}))
    assert reader.without_facts("no_key") == ((0.0, 0.0), None)


def test_sums_are_enough_unless_there_is_an_extreme():
    assert not HOUR.needs_only_sums
    assert WindowReader(View("h", "t", by="k", over="1h", values={"n": count("x")})).needs_only_sums
