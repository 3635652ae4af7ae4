"""Trigger: enough new labels."""

import pytest
from trigger_days import TRAINED, midnight, trigger_input, watching

from mlops_lab.loop.triggers.labels import check_labels


@pytest.mark.parametrize(("found", "day", "fires"), [(500, 14, True), (499, 14, False), (500, 13, False)])
def test_it_fires_with_enough_labels_after_its_cool_down(tiny, found, day, fires):
    given = trigger_input(
        watching(tiny.project, new_labels=500), TRAINED, midnight(day), count_new_labels=lambda since: found
    )
    assert (check_labels(given) is not None) == fires


def test_labels_count_since_the_last_training_and_the_cool_down_is_its_own(tiny):
    asked = []
    project = watching(tiny.project, new_labels=5, labels_cooldown_days=2)
    fired = check_labels(
        trigger_input(project, TRAINED, midnight(2), count_new_labels=lambda since: asked.append(since) or 7)
    )
    assert fired is not None
    assert asked == [TRAINED]
    assert (fired.reason, fired.evidence) == (
        "7 labels have arrived since the last training (limit 5)",
        {"labels": 7.0},
    )


def test_without_a_number_nothing_is_counted(tiny):
    given = trigger_input(tiny.project, TRAINED, midnight(50), count_new_labels=lambda since: 1 // 0)
    assert check_labels(given) is None
