"""Timelines: facts that arrive in any order, late or twice, give the same results."""

from bisect import bisect_right
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.features import View, count, total
from mlops_lab.features.online import Fact
from mlops_lab.features.timelines import LatestTimeline, SummedFacts, WindowTimeline
from mlops_lab.features.view_reader import WindowReader

READER = WindowReader(View("v", "t", by="k", over="1h", values={"sum": total("x"), "count": count("x")}))
facts = st.lists(
    st.builds(
        lambda known, late, number: Fact(known + late, known, "", (float(number), float(number))),
        st.integers(0, 6),
        st.sampled_from([0, 0, 1, 4]),
        st.integers(-5, 5),
    ),
    max_size=8,
).map(lambda drawn: [fact._replace(id=str(number)) for number, fact in enumerate(drawn)])


@given(facts, st.data())
def test_the_latest_fact_at_each_moment(drawn, data):
    line = LatestTimeline()
    for fact in data.draw(st.permutations(drawn + drawn[: len(drawn) // 2])):
        line.add(fact)
    assert sorted(line.facts) == sorted(drawn)
    assert line.seen == sorted(fact.seen for fact in drawn)
    for index, best in enumerate(line.best):
        seen = line.facts[: index + 1]
        assert best == max(seen, key=lambda fact: (fact.known, fact.id))


@given(facts, st.data())
def test_the_latest_fact_that_is_not_retracted(drawn, data):
    retracted = data.draw(st.lists(st.sampled_from(drawn), unique=True)) if drawn else []
    retractions = [fact._replace(seen=fact.seen + data.draw(st.integers(1, 4)), weight=-1) for fact in retracted]
    line = LatestTimeline()
    for fact in data.draw(st.permutations(drawn + retractions + retractions[:2])):
        line.add(fact)
    assert sorted(line.facts) == sorted(drawn + retractions)
    for moment in set(line.seen):
        seen = [fact for fact in drawn if fact.seen <= moment]
        gone = {fact.id for fact in retractions if fact.seen <= moment}
        left = [fact for fact in seen if fact.id not in gone]
        best = line.best[bisect_right(line.seen, moment) - 1]
        assert best == max(left, key=lambda fact: (fact.known, fact.id), default=None)


def test_a_version_seen_with_its_retraction_comes_before_it():
    """In whatever order the two arrive, the new version of a fact is the latest one."""
    first = Fact(1, 1, "a", (1.0,))
    rows = [first, first._replace(seen=5, weight=-1), first._replace(seen=5)]
    for order in permutations(rows):
        line = LatestTimeline()
        for fact in order:
            line.add(fact)
        assert line.best[-1] == rows[2]


def test_a_window_knows_of_its_retractions():
    line = WindowTimeline()
    fact = Fact(1, 1, "a", (1.0, 1.0))
    line.add(fact, READER)
    assert not line.has_retractions
    line.add(fact._replace(seen=2, weight=-1), READER)
    assert line.has_retractions
    assert [line.sums_between(0, end, READER.zero)[0] for end in (1, 2)] == [1, 0]


@given(facts, st.data())
def test_sums_of_a_window_are_those_of_its_facts(drawn, data):
    line = WindowTimeline()
    for fact in data.draw(st.permutations(drawn + drawn[: len(drawn) // 2])):
        line.add(fact, READER)
    assert len(line.seen.facts) == len(drawn)
    assert (line.known is line.seen) == all(fact.seen == fact.known for fact in drawn)
    begin = data.draw(st.integers(0, len(drawn)))
    end = data.draw(st.integers(0, len(drawn)))
    expected = [
        sum(column)
        for column in zip(
            READER.zero,
            *(READER.terms_of(fact) for fact in line.seen.facts[:end]),
            *([-term for term in READER.terms_of(fact)] for fact in line.known.facts[:begin]),
            strict=True,
        )
    ]
    assert line.sums_between(begin, end, READER.zero) == tuple(expected)


@given(facts)
def test_running_sums_are_in_the_order_of_time(drawn):
    summed = SummedFacts()
    for fact in drawn:
        summed.add(fact.known, fact, READER)
    assert summed.times == sorted(fact.known for fact in drawn)
    assert [fact.known for fact in summed.facts] == summed.times
    running = READER.zero
    for fact, sums in zip(summed.facts, summed.sums, strict=True):
        running = tuple(a + b for a, b in zip(running, READER.terms_of(fact), strict=True))
        assert sums == running
