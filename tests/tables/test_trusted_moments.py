"""Which moments can be trusted: single rows with a wrong time do not move it."""

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.tables.trusted_moments import MAX_JUMP, TRUSTED_ROWS, trusted_of

T = datetime(2013, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
PAST = [T - number * HOUR for number in range(50)]


def newest(moments: list[datetime]) -> datetime | None:
    return trusted_of(pl.Series(moments, dtype=pl.Datetime("us", "UTC")))


@given(
    st.lists(st.timedeltas(min_value=timedelta(days=31), max_value=timedelta(days=9000)), max_size=TRUSTED_ROWS - 1),
    st.randoms(),
)
def test_fewer_rows_than_are_trusted_move_nothing_however_far_ahead(ahead, random):
    moments = [*PAST, *(T + jump for jump in ahead)]
    random.shuffle(moments)
    assert newest(moments) == T


def test_as_many_as_are_trusted_and_rows_not_far_ahead_count():
    far = [T + timedelta(days=4000) + number * HOUR for number in range(TRUSTED_ROWS)]
    assert newest([*PAST, *far]) == far[-1]
    assert newest([*PAST, T + MAX_JUMP]) == T + MAX_JUMP
    assert newest([]) is None
