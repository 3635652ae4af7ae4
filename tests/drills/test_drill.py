from datetime import timedelta

import pytest

from mlops_lab.drills.drill import Drill, DrillResult, Observed, Target

HOUR = timedelta(hours=1)
DRILL = Drill(
    name="made-up",
    summary="Nothing.",
    target=Target(detect=HOUR, recover=2 * HOUR, harmed_share=0.1),
    run=lambda _: Observed(),
)


def observed(**changed: object) -> Observed:
    usual = {"detected": HOUR, "recovered": 2 * HOUR, "requests": 100, "harmed": 10}
    return Observed(**{**usual, **changed})


def misses(seen: Observed, error: str = "") -> list[str]:
    return DrillResult(drill=DRILL, observed=seen, seconds=1.0, error=error).misses


def test_what_just_meets_the_target_misses_nothing() -> None:
    assert misses(observed()) == []


@pytest.mark.parametrize(
    ("changed", "miss"),
    [
        ({"detected": 1.1 * HOUR}, "detected too late"),
        ({"detected": None}, "not detected in the time that was played"),
        ({"recovered": 3 * HOUR}, "recovered too late"),
        ({"recovered": None}, "not recovered in the time that was played"),
        ({"harmed": 11}, "too many predictions were harmed"),
        ({"false_actions": ["retrain (x)"]}, "false actions: retrain (x)"),
    ],
)
def test_each_part_of_the_target_is_looked_at(changed: dict[str, object], miss: str) -> None:
    assert misses(observed(**changed)) == [miss]


def test_a_drill_that_could_not_be_run_meets_nothing() -> None:
    assert misses(observed(), "no disk") == ["could not be run: no disk"]


def test_no_requests_are_no_harm() -> None:
    assert observed(requests=0, harmed=0).harmed_share == 0.0
