"""The disk: its room, its speed, its kind, its clock."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mlops_lab.doctor.check import Patient
from mlops_lab.doctor.checks import disk
from mlops_lab.doctor.checks.disk import file_system_of, look_at_clock, look_at_disk, look_at_fsync, measure_fsync_ms


def test_the_free_bytes_are_those_of_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    patient = Patient(root=tmp_path)
    assert "MiB are free" in look_at_disk(patient).seen
    monkeypatch.setattr(disk, "LEAST_BYTES", 2**63)
    found = look_at_disk(patient)
    assert (found.state, "mlops gc" in str(found.hint)) == ("fail", True)


def test_a_disk_of_another_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "_OVER_A_NETWORK", (file_system_of(tmp_path),))
    monkeypatch.setattr(disk, "LEAST_BYTES", 0)
    found = look_at_disk(Patient(root=tmp_path))
    assert (found.state, "of another machine" in found.seen) == ("warn", True)


def test_the_kind_of_a_file_system(tmp_path: Path) -> None:
    device = os.stat(tmp_path).st_dev
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "22 27 0:999 / /proc rw - proc proc rw\n"
        f"27 1 {os.major(device)}:{os.minor(device)} / / rw,relatime shared:1 - nfs4 server:/home rw\n"
    )
    assert file_system_of(tmp_path, mounts) == "nfs4"
    assert file_system_of(tmp_path, tmp_path / "none") == ""


def test_the_speed_is_measured_and_nothing_is_left(tmp_path: Path) -> None:
    assert 0 < measure_fsync_ms(tmp_path) < 10_000
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("durability", "state"), [("fsync", "warn"), ("async", "ok")])
def test_a_slow_disk_counts_where_answers_wait_for_it(
    durability: str, state: str, with_settings: Callable[..., Patient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "SLOW_FSYNC_MS", 0.0)
    assert look_at_fsync(with_settings(f"serving.durability={durability}")).state == state


def test_a_file_from_the_future(copied: Path) -> None:
    patient = Patient(root=copied)
    assert look_at_clock(patient).state == "ok"
    later = time.time() + 3600
    os.utime(copied / ".mlops" / "deployment.json", (later, later))
    found = look_at_clock(patient)
    assert found.state == "fail"
    assert "deployment.json is dated 1:00:00 ahead" in found.seen or "0:59:5" in found.seen
