"""What holds a training back although a trigger fired."""

from hypothesis import given
from hypothesis import strategies as st
from trigger_days import NEW_YORK, TRAINED, midnight, trigger_input, watching

from mlops_lab.clock import days_before
from mlops_lab.loop.trainings import Trainings
from mlops_lab.loop.triggers.base import FiredTrigger
from mlops_lab.loop.triggers.refusals import BUDGET, MIN_LABELS, budget_is_free_from, find_refusal
from mlops_lab.loop.triggers.run import next_retraining

FIRED = FiredTrigger("triggers.every_days", "the last training was 28 days ago", {})


def trainings(*days: int) -> Trainings:
    return Trainings(tuple(midnight(day) for day in days))


def test_by_default_nothing_is_refused(tiny):
    given = trigger_input(tiny.project, TRAINED, midnight(28), trainings=trainings(*range(28)))
    assert find_refusal(given, FIRED) is None


def test_a_spent_budget_says_when_it_is_free_again(tiny):
    project = watching(tiny.project, budget=2, budget_days=30)
    given = trigger_input(project, midnight(14), midnight(28), trainings=trainings(0, 14))
    refusal = find_refusal(given, FIRED)
    assert refusal is not None
    assert refusal.rule == BUDGET
    assert refusal.reason == (
        "no training, although the last training was 28 days ago: the budget of 2 in 30 days is spent; it allows one "
        "from 2013-03-31 on, or raise triggers.budget, or train with `mlops run`"
    )
    later = trigger_input(project, midnight(14), midnight(30), trainings=trainings(0, 14))
    assert find_refusal(later, FIRED) is None


def test_too_few_new_labels_say_how_many_are_needed(tiny):
    project = watching(tiny.project, min_new_labels=100)
    for found, rule in ((99, MIN_LABELS), (100, None)):
        given = trigger_input(project, TRAINED, midnight(28), count_new_labels=lambda since, found=found: found)
        refusal = find_refusal(given, FIRED)
        assert (refusal and refusal.rule) == rule
        assert refusal is None or "99 labels have arrived since the last one, and 100 are needed" in refusal.reason


def test_the_first_training_is_never_refused(tiny):
    project = watching(tiny.project, budget=1, min_new_labels=100)
    assert find_refusal(trigger_input(project, None, midnight(1), trainings=trainings(0)), FIRED) is None


def test_the_status_says_when_a_spent_budget_allows_the_next_training(tiny):
    project = watching(tiny.project, budget=2, budget_days=100)
    due = next_retraining(project, midnight(14), trainings=trainings(0, 14), now=midnight(20))
    assert (due.at, due.watched_from, due.spent_budget) == (midnight(100), midnight(100), 2)
    due = next_retraining(project, midnight(14), trainings=trainings(14), now=midnight(20))
    assert (due.at, due.spent_budget) == (midnight(42), None)


@given(st.lists(st.integers(0, 60), max_size=12), st.integers(1, 5), st.integers(1, 40), st.integers(60, 90))
def test_no_window_ever_has_more_trainings_than_the_budget(tiny, past, budget, length, now):
    project = watching(tiny.project, budget=budget, budget_days=length)
    free = budget_is_free_from(project, trainings(*sorted(past)), midnight(now))
    counted = [day for day in past if midnight(day) > days_before(midnight(now), length, NEW_YORK)]
    assert (free is None) == (len(counted) < budget)
    assert free is None or free > midnight(now)
