"""Segments go once their records are elsewhere, on the disk, and some time has passed."""

from datetime import UTC, datetime, timedelta

import pytest

from mlops_lab import clock
from mlops_lab.journal.segments import segments
from mlops_lab.journal.writer import Journal
from mlops_lab.lake import Lake
from mlops_lab.rollout.journal_retention import KEPT, drop_unneeded

NOW = datetime(2026, 11, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def drop(deployable, monkeypatch):
    """Drops what is not needed at a moment; the first positions of the segments that stay."""
    project, synced = deployable.project, []
    journal = Journal(project.journal_path, segment_bytes=1)
    for number in range(5):
        journal.append([b"%d" % number])
    journal.close()
    monkeypatch.setattr(Lake, "sync", lambda self: synced.append([*segments(project.journal_path)]))

    def drop(until: int, at: datetime) -> list[int]:
        monkeypatch.setattr(clock, "now", lambda: at)
        drop_unneeded(project, deployable.lake, [until])
        return segments(project.journal_path)

    drop.synced = synced
    return drop


ALL = [0, 9, 18, 27, 36, 45]


def test_segments_stay_for_some_time_and_the_tables_are_synced_before_they_go(drop):
    assert drop(27, NOW) == ALL
    assert drop(36, NOW + KEPT - MINUTE) == ALL
    assert drop.synced == []
    assert drop(36, NOW + KEPT) == [27, 36, 45]
    assert drop.synced == [ALL]
    assert drop(45, NOW + KEPT + MINUTE) == [27, 36, 45]
    assert drop(45, NOW + KEPT * 2) == [36, 45]


def test_what_is_needed_again_stays(drop):
    """As the journal, or the tables, were restored from a backup meanwhile."""
    assert drop(45, NOW) == ALL
    assert drop(9, NOW + KEPT) == [9, 18, 27, 36, 45]


def test_a_clock_that_was_set_back_begins_the_time_anew(drop):
    drop(45, NOW)
    assert drop(45, NOW - timedelta(days=365)) == ALL
    assert drop(45, NOW - timedelta(days=365) + KEPT) == [45]


def test_a_damaged_note_begins_the_time_anew(drop, deployable):
    drop(45, NOW)
    (deployable.project.home / "unneeded.json").write_text("{")
    assert drop(45, NOW + KEPT) == ALL
