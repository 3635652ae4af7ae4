"""The file of the verdict: what it looks like is kept, and what is wrong with it is hold."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from mlops_lab.tables.rollout_verdict import RolloutVerdict, read_current_verdict, read_generation

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
FORMAT_1 = {
    "verdict": "promote", "version": 3, "share": 1.0, "champion": 3, "stage": None, "rule": "rollout.canary_days",
    "reason": "better", "evidence": {"gain": 0.1}, "at": "2026-05-01T11:00:00Z", "written_at": "2026-05-01T11:30:00Z",
    "generation": 7, "format": 1,
}  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "verdict.json").write_text(json.dumps(FORMAT_1))
    return tmp_path / "verdict.json"


def test_the_file_of_this_release_is_read(path: Path) -> None:
    found = read_current_verdict(path, now=NOW, generation=7, max_age=timedelta(hours=1))
    assert (found.verdict, found.version, found.share, found.age_seconds) == ("promote", 3, 1.0, 1800)
    assert read_generation(path) == 7
    assert msgspec.to_builtins(msgspec.json.decode(path.read_bytes(), type=RolloutVerdict)) == FORMAT_1


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"format": 2}, "verdict.unreadable"),
        ({"verdict": "maybe"}, "verdict.unreadable"),
        ({"generation": 6}, "verdict.other_generation"),
        ({"written_at": "2026-05-01T10:59:59Z"}, "verdict.too_old"),
        ({"written_at": "2026-05-01T12:05:01Z"}, "verdict.ahead"),
        ({"written_at": "2026-05-01T12:04:59Z"}, "rollout.canary_days"),
    ],
)
def test_what_does_not_count_is_hold(path: Path, change: dict[str, object], rule: str) -> None:
    path.write_text(json.dumps({**FORMAT_1, **change}))
    found = read_current_verdict(path, now=NOW, generation=7, max_age=timedelta(hours=1))
    assert found.rule == rule
    assert found.is_stale == (found.verdict == "hold") == rule.startswith("verdict.")
    assert not found.is_stale or found.reason
