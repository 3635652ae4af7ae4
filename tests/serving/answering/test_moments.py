"""Converting many moments at once gives what converting each of them gives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from slow import examples

from mlops_lab.clock import to_micros
from mlops_lab.contracts.row_check import EARLIEST, LATEST
from mlops_lab.serving.answering.moments import all_to_micros

naive = {"min_value": EARLIEST.replace(tzinfo=None), "max_value": LATEST.replace(tzinfo=None)}
moments = st.datetimes(**naive, timezones=st.sampled_from([UTC]))
whole = moments.map(lambda moment: moment.replace(microsecond=0))
recent = st.integers(0, 2**33 * 1_000_000).map(
    lambda micros: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
)


@examples(200)
@given(st.one_of(*(st.lists(kind, min_size=30, max_size=70) for kind in (moments, whole, recent, recent | whole))))
def test_many_moments_are_converted_like_each_of_them(drawn):
    assert all_to_micros(drawn) == list(map(to_micros, drawn))


def test_the_same_holds_for_very_many_moments():
    for many in (2**16 - 1, 2**16):
        drawn = [datetime(2026, 11, 1, tzinfo=UTC) + timedelta(seconds=number) for number in range(many)]
        assert all_to_micros(drawn) == list(map(to_micros, drawn))
