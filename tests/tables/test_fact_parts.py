"""Facts are sorted out now and then, not after each part."""

import polars as pl

from mlops_lab.tables.fact_parts import gather_facts


def facts(numbers: range) -> pl.DataFrame:
    return pl.DataFrame({"_fact_id": [str(number) for number in numbers], "number": list(numbers)})


def test_all_that_is_needed_is_there_and_little_else():
    calls = []

    def is_even(found: pl.DataFrame) -> pl.DataFrame:
        calls.append(found.height)
        return found.filter(pl.col("number") % 2 == 0)

    parts = (facts(range(begin, begin + 10)) for begin in range(0, 1000, 10))
    found = gather_facts(parts, is_even, held=facts(range(-2, 0)), rows_at_once=20)
    assert set(range(-2, 1000, 2)) <= set(found["number"])
    assert found.height <= 1.5 * 501 + 10
    assert 5 < len(calls) < 20, "with each call there are half as many more"
    assert max(calls) <= 1.5 * 501 + 20


def test_few_facts_are_not_sorted_out():
    found = gather_facts([facts(range(3))], lambda _: facts(range(0)), held=facts(range(3, 5)), rows_at_once=20)
    assert found["number"].to_list() == [3, 4, 0, 1, 2]


def test_without_parts_they_are_those_that_are_held():
    held = facts(range(5))
    assert gather_facts([], lambda _: facts(range(0)), held=held, rows_at_once=1) is held
