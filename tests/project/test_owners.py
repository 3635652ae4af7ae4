"""A role has one owner, which says who it is; nothing is left of an owner that was killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mlops_lab.errors import EnvironmentFault, MlopsError, Refused
from mlops_lab.project import Project, load_project, owners
from mlops_lab.project.owners import Role, keep_role, lock_path, read_owner, role_taken, take_role

HOLD = """
import sys
from pathlib import Path
from mlops_lab.project import load_project
from mlops_lab.project.owners import Role, take_role
role = take_role(load_project(Path(sys.argv[1])), Role(sys.argv[2]), is_brief=sys.argv[3] == "brief")
print("taken", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def project(write_project: object, tmp_path: Path) -> Project:
    made: Project = write_project(tmp_path)  # type: ignore[operator]
    return made


@contextmanager
def another_owner(project: Project, role: Role, *, brief: bool = False) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the role, until its stdin is closed."""
    command = [sys.executable, "-c", HOLD, str(project.root), role, "brief" if brief else "long"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "taken\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("role", "kind", "code"),
    [(Role.SERVER, EnvironmentFault, "journal_locked"), (Role.LOOP, Refused, "loop_locked")],
)
def test_a_second_one_is_refused_at_once_and_told_who_the_owner_is(
    project: Project, role: Role, kind: type[MlopsError], code: str
) -> None:
    with another_owner(project, role) as process:
        began = time.perf_counter()
        with pytest.raises(kind) as caught:
            take_role(project, role)
        assert time.perf_counter() - began < 1.0
        error = caught.value
        assert error.code == code
        assert re.search(rf"process {process.pid} \(`mlops .*`\), since \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d", error.what)
        assert error.hint


def test_the_roles_of_a_project_are_apart(project: Project, write_project: object, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other: Project = write_project(tmp_path / "other")  # type: ignore[operator]
    with (
        take_role(project, Role.SERVER),
        take_role(project, Role.LOOP),
        take_role(other, Role.SERVER),
        pytest.raises(EnvironmentFault, match=f"process {os.getpid()} "),
    ):
        take_role(project, Role.SERVER)
    with take_role(project, Role.SERVER):
        pass


@pytest.mark.parametrize("role", list(Role))
def test_nothing_is_left_of_an_owner_that_was_killed(project: Project, role: Role) -> None:
    with another_owner(project, role) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        with take_role(project, role):
            owner = read_owner(project, role)
            assert owner is not None
            assert owner.pid == os.getpid()


def test_what_a_killed_owner_has_started_is_waited_for(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owners, "DYING_SECONDS", 5.0)
    with another_owner(project, Role.SERVER) as process:
        file = os.open(lock_path(project, Role.SERVER), os.O_RDWR)  # the lock is another's, the owner is dead
        os.pwrite(file, (f'{{"pid":{2**22 + 1},"since":"x","command":"x"}}' + " " * 200).encode(), 0)
        os.close(file)
        assert process.stdin is not None
        process.stdin.close()
        with take_role(project, Role.SERVER):
            pass


def test_an_owner_that_is_done_soon_is_waited_for(project: Project) -> None:
    with another_owner(project, Role.SERVER, brief=True) as process:
        assert process.stdin is not None
        process.stdin.close()
        with take_role(project, Role.SERVER):
            pass


def test_a_loop_waits_as_long_as_it_is_told(project: Project) -> None:
    with another_owner(project, Role.LOOP) as process:
        with pytest.raises(Refused):
            take_role(project, Role.LOOP, wait_seconds=0.2)
        assert process.stdin is not None
        process.stdin.close()
        with take_role(project, Role.LOOP, wait_seconds=30.0):
            pass


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x"}', '{"format": 2, "pid": 1}', "\x00\xff"])
def test_a_damaged_record_means_nothing(project: Project, text: str) -> None:
    project.home.mkdir(exist_ok=True)
    lock_path(project, Role.LOOP).write_text(text)
    assert read_owner(project, Role.LOOP) is None
    assert "has just started" in role_taken(project, Role.LOOP, None).what
    with take_role(project, Role.LOOP):
        assert read_owner(project, Role.LOOP) is not None


def test_a_role_is_passed_on(project: Project) -> None:
    first = take_role(project, Role.SERVER)
    with keep_role(os.dup(first.file)):
        first.release()
        with pytest.raises(EnvironmentFault):
            take_role(project, Role.SERVER)
    with take_role(project, Role.SERVER):
        pass


def test_a_folder_that_cannot_be_written_is_an_error(project: Project) -> None:
    lock_path(project, Role.SERVER).mkdir(parents=True)
    with pytest.raises(EnvironmentFault) as caught:
        take_role(load_project(project.root), Role.SERVER)
    assert caught.value.code == "disk_fault"
