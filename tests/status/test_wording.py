"""Counts, durations and decisions as text."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.rollout.decisions import DecisionKind
from mlops_lab.status.wording import DECISION_TEXTS, format_count, format_decision, format_duration


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 requests"), (1, "1 request"), (2, "2 requests"), (1234, "1,234 requests")]
)
def test_a_count_has_its_noun_in_singular_or_plural(number: int, text: str) -> None:
    assert format_count(number, "request") == text


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(seconds=-5), "0 s"),
        (timedelta(seconds=59.9), "59 s"),
        (timedelta(seconds=60), "1 min"),
        (timedelta(minutes=119), "1 h"),
        (timedelta(hours=24), "1 day"),
        (timedelta(days=1234), "1,234 days"),
    ],
)
def test_a_duration_is_in_its_largest_unit(duration: timedelta, text: str) -> None:
    assert format_duration(duration) == text


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=10**5)))
def test_a_duration_is_rounded_down_by_less_than_its_unit(duration: timedelta) -> None:
    number, unit = format_duration(duration).replace(",", "").split()
    size = {"s": 1, "min": 60, "h": 3600, "day": 86400, "days": 86400}[unit]
    assert int(number) * size <= duration.total_seconds() < (int(number) + 1) * size


@pytest.mark.parametrize("kind", DecisionKind)
def test_every_kind_of_decision_has_a_text(kind: DecisionKind) -> None:
    text = format_decision(kind, 4)
    assert "{" not in text
    assert ("version 4" in text) == ("{version}" in DECISION_TEXTS[kind])


def test_a_candidate_that_became_no_version_has_no_number() -> None:
    assert format_decision("refuse", None) == "the candidate was refused"
    assert format_decision("refuse", None, rule="triggers.budget") == "a trigger was refused"
