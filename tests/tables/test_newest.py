"""The newest moment of a project: single rows with a wrong time do not move it."""

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab import clock
from mlops_lab.lake import Lake
from mlops_lab.tables.declared import PREDICTIONS
from mlops_lab.tables.newest import MAX_JUMP, TRUSTED_ROWS, trusted_newest, trusted_of

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


def test_with_the_machines_clock_nothing_in_the_future_counts(write_project, tmp_path, monkeypatch):
    project = write_project(tmp_path, ('clock = "data"', 'clock = "wall"'))
    lake = Lake(tmp_path / "lake")
    monkeypatch.setattr(clock, "now", lambda: T)
    assert trusted_newest(project, lake) is None
    rows = [{"id": str(days), "at": T + timedelta(days=days)} for days in (-1, 400)]
    PREDICTIONS.append(lake, pl.DataFrame(rows, schema_overrides={"at": pl.Datetime("us", "UTC")}))
    assert trusted_newest(project, lake) == T - timedelta(days=1)
