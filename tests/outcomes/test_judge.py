"""The rule for outcomes: every case by example, and what holds for all sequences."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slow import examples

from mlops_lab.outcomes.judge import judge
from mlops_lab.tables.verdict import COUNTED, Verdict

ASKED = datetime(2013, 3, 1, 12, tzinfo=UTC)
LATER = ASKED + timedelta(hours=2)
LATE, NOT_LATE = {"late": True, "delay": 20.0}, {"late": False, "delay": None}


@pytest.mark.parametrize(
    ("known_at", "values", "predicted_at", "earlier", "verdict"),
    [
        (LATER, LATE, ASKED, None, Verdict.ACCEPTED),
        (ASKED, LATE, ASKED, None, Verdict.ACCEPTED),
        (ASKED - timedelta(microseconds=1), LATE, ASKED, None, Verdict.TOO_EARLY),
        (LATER, LATE, None, None, Verdict.UNKNOWN),
        (LATER, LATE, ASKED, (LATER, LATE), Verdict.DUPLICATE),
        (LATER, dict(reversed(LATE.items())), ASKED, (LATER, LATE), Verdict.DUPLICATE),
        (LATER, NOT_LATE, ASKED, (LATER, LATE), Verdict.CONFLICT),
        (LATER + timedelta(minutes=1), LATE, ASKED, (LATER, LATE), Verdict.CONFLICT),
        (ASKED - timedelta(hours=1), LATE, ASKED, (LATER, LATE), Verdict.CONFLICT),
        (LATER + timedelta(minutes=1), NOT_LATE, ASKED, (LATER, LATE), Verdict.CORRECTED),
        (LATER - timedelta(minutes=1), NOT_LATE, ASKED, (LATER, LATE), Verdict.CONFLICT),
    ],
)
def test_every_case(known_at, values, predicted_at, earlier, verdict):
    assert judge(known_at, values, predicted_at=predicted_at, earlier=earlier) is verdict


moments = st.sampled_from([ASKED - timedelta(hours=1), ASKED, LATER])
outcomes = st.tuples(moments, st.sampled_from([LATE, NOT_LATE]))


@examples(200)
@given(st.none() | moments, st.lists(outcomes, max_size=8))
def test_of_any_outcomes_at_most_one_is_accepted(predicted_at, arriving):
    accepted = None
    for known_at, values in arriving:
        verdict = judge(known_at, values, predicted_at=predicted_at, earlier=accepted)
        possible = predicted_at is not None and known_at >= predicted_at
        assert (verdict is Verdict.UNKNOWN) == (predicted_at is None)
        assert (verdict is Verdict.ACCEPTED) == (possible and accepted is None)
        assert (verdict is Verdict.DUPLICATE) == (accepted == (known_at, values))
        is_other = accepted is not None and accepted != (known_at, values)
        is_correction = is_other and known_at > accepted[0] and values != accepted[1]
        assert (verdict is Verdict.CORRECTED) == is_correction
        assert (verdict is Verdict.CONFLICT) == (is_other and not is_correction)
        if verdict in COUNTED:
            accepted = (known_at, values)
