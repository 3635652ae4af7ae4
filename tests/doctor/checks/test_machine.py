"""Cores and memory, of the machine and of the container."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mlops_lab.doctor.check import Patient
from mlops_lab.doctor.checks import machine
from mlops_lab.doctor.checks.machine import allowed_cores, look_at_cores, look_at_memory


@pytest.mark.parametrize(
    ("quota", "cores"), [("150000 100000", 1), ("400000 100000", 4), ("max 100000", 8), ("900000 100000", 8), ("", 8)]
)
def test_the_quota_of_a_container(quota: str, cores: int, tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    assert allowed_cores(8, tmp_path) == cores


def test_without_a_container(tmp_path: Path) -> None:
    assert allowed_cores(8, tmp_path / "none") == 8


def test_more_threads_than_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "999")
    found = look_at_cores(Patient())
    assert (found.state, "OMP_NUM_THREADS=999" in found.seen) == ("warn", True)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert look_at_cores(Patient()).state == "ok"


def test_fewer_cores_than_are_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(machine, "allowed_cores", lambda visible: visible - 1)
    assert look_at_cores(Patient()).state == "warn"


def test_more_workers_than_cores(with_settings: Callable[..., Patient]) -> None:
    assert look_at_cores(with_settings("serving.workers=64")).hint is not None


@pytest.mark.parametrize(
    ("left", "total", "state"), [(2**40, 2**40, "ok"), (2**20, 2**40, "warn"), (2**20, 2**21, "fail")]
)
def test_what_a_training_takes(
    left: int, total: int, state: str, with_settings: Callable[..., Patient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "free_bytes", lambda: left)
    monkeypatch.setattr(machine, "total_bytes", lambda: total)
    found = look_at_memory(with_settings())
    assert found.state == state
    assert "rows of" in found.seen
    assert "on 0 rows" not in found.seen
