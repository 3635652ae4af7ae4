"""Answers as people type them."""

from __future__ import annotations

from datetime import date

import pytest

from mlops_lab.learn.tour.answer import Expected, find_fault

LIVE = Expected(days=(date(2013, 3, 15),), numbers=(2,))
LOSSES = Expected(numbers=(0.4879, 0.5588))
COUNTS = Expected(numbers=(0, 1234))
WORDS = Expected(
    words=frozenset({"Promote", "rollout.prove"}), vocabulary=frozenset({"Promote", "refuse", "rollout.prove"})
)
TABLES = Expected(words=frozenset({"flights@1"}), vocabulary=frozenset({"flights@0", "flights@1", "flights@2"}))
SAME = Expected(numbers=(0.25123,), words=frozenset({"no"}), vocabulary=frozenset({"yes", "no"}))


@pytest.mark.parametrize(
    ("expected", "answer"),
    [
        *(
            (LIVE, text)
            for text in ("2 2013-03-15", "Version 2, since 2013-03-15 00:00.", "v2 since 2013-03-15T00:00:00")
        ),
        *((LOSSES, text) for text in ("0.4879 0.5588", "0.49 against 0.56", "log loss 0.487, 0.558")),
        *((COUNTS, text) for text in ("0 and 1,234", "none; 1234", "0,1234", "0, 1234.")),
        *((WORDS, text) for text in ("promote by rollout.prove", "It was a PROMOTE. The rule: rollout.prove.")),
        (TABLES, "flights@1"),
        (SAME, "0.2512, No."),
    ],
)
def test_a_right_answer_is_right_however_it_is_written(expected: Expected, answer: str) -> None:
    assert find_fault(expected, answer) is None


@pytest.mark.parametrize(
    ("expected", "answer", "fault"),
    [
        (LIVE, "2", "expected 1 day, such as 2013-03-09; got 0"),
        (LIVE, "2 2013-03-14", "it is another day"),
        (LIVE, "1 2013-03-15", "1 is not what the project says"),
        (LIVE, "1 2 2013-03-15", "expected 1 number; got 2"),
        (LOSSES, "0.5588 0.4879", "0.5588 is not what"),
        (LOSSES, "0.5 0.6", "0.5 is too coarse"),
        (LOSSES, "1,2,3", "expected 2 numbers; got 3"),
        (COUNTS, "0 1233", "1233 is not what"),
        (COUNTS, "2, 1234", "2 is not what"),
        (WORDS, "promote", "1 word missing"),
        (WORDS, "", "2 words missing"),
        (WORDS, "promote, refuse: rollout.prove", "some of it does not belong there"),
        (TABLES, "flights@0 flights@1", "some of it does not belong there"),
        (SAME, "0.2512 yes", "1 word missing"),
    ],
)
def test_a_wrong_answer_is_told_what_is_wrong_and_not_what_is_right(
    expected: Expected, answer: str, fault: str
) -> None:
    found = find_fault(expected, answer)
    assert found is not None
    assert found.startswith(fault)
