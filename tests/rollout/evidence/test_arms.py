"""Arms of an A/B test after each day."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mlops_lab.rollout.evidence.arms import Answers, ArmLooks, follow_arm, standard_error


def draw(seed: int, *, effect: float = 0.0, days: int = 20, keys: int = 300) -> Answers:
    """Keys with levels of their own, half of them in the arm; days that shift both arms."""
    rng = np.random.default_rng(seed)
    level, group = rng.normal(0, 1, keys), (rng.random(keys) < 0.5).astype(np.int64)
    day = np.repeat(np.arange(days), 200)
    key = rng.integers(0, keys, len(day))
    noise = rng.normal(0, 2, days)[day] + rng.normal(0, 1, len(day))
    history = np.where(rng.random(keys) < 0.9, level + rng.normal(0, 0.3, keys), np.nan)
    return Answers(day, key, group[key], level[key] + noise + effect * group[key], history[key])


def follow(answers: Answers, *, use_history: bool = False) -> ArmLooks:
    values = answers.adjusted() if use_history else answers.values
    return follow_arm(answers, values, 1, alpha=0.05, expected_effect=answers.usual_effect())


def test_the_gain_is_the_difference_of_the_means_of_requests() -> None:
    answers, looks = draw(0), follow(draw(0))
    for day in (0, 7, 19):
        until = answers.days <= day
        means = [answers.values[until & (answers.groups == group)].mean() for group in (0, 1)]
        assert looks.gain[day] == pytest.approx(means[1] - means[0])
        assert looks.rows[day] == (until & (answers.groups == 1)).sum()
    assert looks.days.tolist() == list(range(20))


def test_a_standard_error_over_keys_is_that_of_drawing_keys_again() -> None:
    answers = draw(1, days=8)
    rng, gains = np.random.default_rng(2), []
    sums, rows = (np.bincount(answers.keys, weights) for weights in (answers.values, None))
    of = {group: np.unique(answers.keys[answers.groups == group]) for group in (0, 1)}
    for _ in range(2_000):
        drawn = [rng.choice(of[group], len(of[group])) for group in (0, 1)]
        control, arm = (sums[keys].sum() / rows[keys].sum() for keys in drawn)
        gains.append(arm - control)
    assert standard_error(answers, answers.values, 1) == pytest.approx(np.std(gains), rel=0.06)


def test_a_difference_is_found_and_none_rarely() -> None:
    """Levels of the keys would make a daily t-test sure of differences that are none."""
    found = [bool((follow(draw(seed)).lower > 0).any() or (follow(draw(seed)).upper < 0).any()) for seed in range(30)]
    assert sum(found) <= 1
    looks = follow(draw(40, effect=1.5))
    assert looks.lower[-1] > 0
    assert looks.lower[-1] < 1.5 < looks.upper[-1]
    assert looks.log_e[-1] > np.log(20)


def test_history_makes_the_bounds_narrower() -> None:
    answers = draw(3, effect=0.5, days=40)
    plain, adjusted = follow(answers), follow(answers, use_history=True)
    assert adjusted.upper[-1] - adjusted.lower[-1] < 0.6 * (plain.upper[-1] - plain.lower[-1])
    assert standard_error(answers, answers.adjusted(), 1) < 0.7 * standard_error(answers, answers.values, 1)


def test_few_keys_prove_nothing_however_many_days() -> None:
    answers = draw(4, effect=5.0, days=60, keys=20)
    looks = follow(answers)
    assert np.isinf(looks.lower).all()
    assert np.isinf(looks.upper).all()
    assert (looks.log_e <= 0).all()
    assert np.isinf(standard_error(answers, answers.values, 1))


def test_a_day_without_one_of_the_arms_is_no_look_but_counts() -> None:
    answers = draw(5)
    kept = ~((answers.days == 4) & (answers.groups == 1))
    fewer = Answers(*(getattr(answers, name)[kept] for name in ("days", "keys", "groups", "values", "history")))
    looks = follow(fewer)
    assert looks.days.tolist() == [*range(4), *range(5, 20)]
    means = [fewer.values[fewer.groups == group].mean() for group in (0, 1)]
    assert looks.gain[-1] == pytest.approx(means[1] - means[0])


def test_another_arm_plays_no_part() -> None:
    answers = draw(6)
    third = answers.keys % 3 == 0
    three = replace(answers, groups=np.where(third, 2, answers.groups))
    alone = Answers(*(getattr(three, name)[~third] for name in ("days", "keys", "groups", "values", "history")))
    with_it, without = (follow_arm(of, of.values, 1, alpha=0.05, expected_effect=0.1) for of in (three, alone))
    for name in ("gain", "lower", "upper", "log_e"):
        assert getattr(with_it, name) == pytest.approx(getattr(without, name))


def test_nothing_seen() -> None:
    nothing = np.empty(0, dtype=np.int64)
    answers = Answers(nothing, nothing, nothing, np.empty(0), np.empty(0))
    assert follow_arm(answers, answers.values, 1, alpha=0.05, expected_effect=1.0).gain.size == 0
    assert answers.usual_effect() == 0.0
    assert answers.adjusted().size == 0
