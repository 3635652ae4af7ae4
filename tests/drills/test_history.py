from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from drills_project import write_project

from mlops_lab.drills.history import LIVE_DAYS, PLAY_DAYS, change_between, known_before, read_history
from mlops_lab.errors import InvalidInput
from mlops_lab.project import Project
from mlops_lab.tables.open_lake import open_lake


def test_the_fault_comes_after_the_days_that_are_lived(project: Project) -> None:
    history = read_history(project, open_lake(project), needs_days=True)
    assert history.last == date(2024, 5, 2)
    assert history.fault_day == history.last - timedelta(days=PLAY_DAYS - 1)
    assert history.first == history.fault_day - timedelta(days=LIVE_DAYS)
    assert read_history(project, open_lake(project), needs_days=False).first == history.fault_day


def test_what_was_known_before_a_day_is_all_of_it_and_nothing_else(project: Project) -> None:
    history = read_history(project, open_lake(project), needs_days=True)
    before = known_before(project, history.facts, history.first)
    start = datetime(2024, 3, 25, tzinfo=UTC)
    assert before["orders"]["known_at"].max() < start
    assert before["orders"].height == history.facts["orders"].filter(pl.col("known_at") < start).height > 2000
    assert before["traffic"]["seen_at"].max() < start


def test_a_change_holds_between_two_moments(project: Project) -> None:
    facts = read_history(project, open_lake(project), needs_days=False).facts
    since, until = datetime(2024, 4, 1, tzinfo=UTC), datetime(2024, 4, 3, tzinfo=UTC)
    blank = facts["orders"].with_columns(rating=pl.lit(None, pl.Float64()), amount=pl.col("amount") + 1)
    changed = change_between(project, facts, blank, since, until)["orders"]
    inside = pl.col("asked_at").is_between(since, until, closed="left")
    assert changed.filter(inside).equals(blank.filter(inside))
    assert changed.filter(~inside).equals(facts["orders"].filter(~inside))
    assert changed.filter(inside).height == 240


@pytest.mark.parametrize(
    ("days", "a_day", "needs_days", "message"),
    [
        (46, 5, True, "46 days have requests with a known outcome, and this drill needs 47"),
        (17, 5, False, "17 days have requests with a known outcome, and this drill needs 18"),
        (48, 5, True, "a day has 5 requests, and monitors judge days with 100"),
    ],
)
def test_too_little_history_is_one_clear_error(
    tmp_path: Path, days: int, a_day: int, needs_days: bool, message: str
) -> None:
    project = write_project(tmp_path / "shop", days=days, a_day=a_day)
    with pytest.raises(InvalidInput, match=message) as caught:
        read_history(project, open_lake(project), needs_days=needs_days)
    assert caught.value.code == "too_little_history"
    assert caught.value.hint
