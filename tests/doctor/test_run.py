"""Running checks: one that hangs, breaks or is refused stops no other."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mlops_lab.doctor.check import Check, Finding, Patient, ok, warn
from mlops_lab.doctor.run import admit, examine, run_check
from mlops_lab.errors import EnvironmentFault
from mlops_lab.project import Project


def make(look: Callable[[Patient], Finding]) -> Check:
    return Check(name="one", looks_at="something", needs="machine", look=look)


def raises(error: Exception) -> Callable[[Patient], Finding]:
    def look(_: Patient) -> Finding:
        raise error

    return look


@pytest.mark.parametrize(
    ("error", "seen", "hint"),
    [
        (EnvironmentFault("is gone", code="x", where="a/b", hint="bring it back"), "a/b: is gone", "bring it back"),
        (PermissionError(13, "Permission denied", "a/b"), "a/b: Permission denied", "permissions"),
        (ZeroDivisionError("oh"), "the check itself failed: ZeroDivisionError: oh", "bug"),
    ],
)
def test_what_a_check_raises_is_what_it_found(error: Exception, seen: str, hint: str) -> None:
    result = run_check(make(raises(error)), Patient())
    assert (result.state, result.seen) == ("fail", seen)
    assert hint in str(result.hint)


def test_a_check_that_hangs_is_left_behind() -> None:
    def hang(_: Patient) -> Finding:
        time.sleep(30)
        return ok("never")

    result = run_check(make(hang), Patient(), patience_seconds=0.05)
    assert (result.state, result.seen) == ("fail", "no answer within 0.05 s")


def test_the_sums() -> None:
    checks = [
        make(lambda _: ok("a")),
        make(lambda _: warn("b", "c")),
        make(raises(ValueError())),
        make(raises(OSError())),
    ]
    found = examine(Patient(), checks)
    assert (found.failed, found.warned, len(found.checks)) == (2, 1, 4)
    assert (found.project, found.folder) == (None, None)


def test_a_folder_inside_of_the_project(tmp_path: Path, write_project: Callable[..., Project]) -> None:
    write_project(tmp_path)
    (tmp_path / "data" / "raw").mkdir(parents=True)
    patient = admit(tmp_path / "data" / "raw", flags=["serving.port=9"])
    assert patient.root == tmp_path
    assert patient.settled.settings.serving.port == 9
