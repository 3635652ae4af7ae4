"""Ids and moments that data lacks: made up, always the same, and never in place of what is there."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.intake.complete import complete_source
from mlops_lab.project import KNOWN_AT, ROW_ID

NOW = datetime(2026, 11, 1, tzinfo=UTC)
WITHOUT_IDS = ('id = "order_id"\n', "")
WITHOUT_MOMENTS = (
    ('time = "asked_at"\n', ""),
    ('known_at = "known_at"\nlabel', "label"),
    ('asked_at = "datetime"\n', ""),
    ('clock = "data"\n', ""),
)
SHUFFLED = ('label = "late"\n', 'label = "late"\norder = "shuffled"\n')


def rows(count: int) -> pl.DataFrame:
    return pl.DataFrame({"shop": [f"s{row}" for row in range(count)], "late": [row % 2 == 0 for row in range(count)]})


def test_data_that_lacks_nothing_is_left_alone(small):
    assert complete_source(small.project, small.orders, now=NOW).equals(small.orders)


def test_ids_are_positions_from_1(make_small):
    project = make_small(WITHOUT_IDS, *WITHOUT_MOMENTS).project
    assert complete_source(project, rows(3), now=NOW)[ROW_ID].to_list() == ["1", "2", "3"]
    named = rows(3).with_columns(pl.Series(ROW_ID, ["x", "y", "z"]))
    assert complete_source(project, named, now=NOW)[ROW_ID].to_list() == ["x", "y", "z"]


@pytest.mark.parametrize("order", [(), (SHUFFLED,)])
def test_moments_are_the_last_microseconds_before_now(make_small, order):
    project = make_small(WITHOUT_IDS, *WITHOUT_MOMENTS, *order).project
    time = project.settings.source.time

    @given(st.integers(0, 40))
    def check(count: int) -> None:
        frame = complete_source(project, rows(count), now=NOW)
        moments = frame[time]
        assert moments.n_unique() == count
        assert all(NOW - timedelta(microseconds=count) <= moment < NOW for moment in moments)
        assert frame[KNOWN_AT].equals(moments, check_names=False), "known at the moment of the request"
        assert frame.equals(complete_source(project, rows(count), now=NOW)), "the same each time"
        if not order:
            assert moments.is_sorted()

    check()


def test_a_shuffled_order_is_not_that_of_the_file(make_small):
    project = make_small(WITHOUT_IDS, *WITHOUT_MOMENTS, SHUFFLED).project
    assert not complete_source(project, rows(40), now=NOW)[project.settings.source.time].is_sorted()


def test_moments_in_a_format_of_their_own_are_parsed_for_the_moment_of_knowing(make_small):
    project = make_small(
        ('known_at = "known_at"\nlabel', "label"),
        ('asked_at = "datetime"', 'asked_at = { type = "datetime", format = "%d.%m.%Y %H:%M%z" }'),
    ).project
    frame = pl.DataFrame({"order_id": ["a"], "asked_at": ["01.11.2026 12:30+0000"]})
    known = complete_source(project, frame, now=NOW)[KNOWN_AT]
    assert known.to_list() == [datetime(2026, 11, 1, 12, 30, tzinfo=UTC)]
