"""Who runs a project: in each role one process at a time, which holds a lock that says who it is.

The kernel releases the lock when its holder ends, in whatever way. A file that is left over means nothing.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
from contextlib import suppress
from enum import StrEnum
from itertools import takewhile
from pathlib import Path
from typing import Literal

import msgspec

from mlops_lab import clock
from mlops_lab.errors import EnvironmentFault, MlopsError, Refused
from mlops_lab.files import disk_fault
from mlops_lab.project.folder import Project

POLL_SECONDS = 0.05
DYING_SECONDS = 15.0
"""How long what a dead owner has started may take to end."""
BRIEF_SECONDS = 30.0


class Role(StrEnum):
    """What one process of a project at a time does."""

    SERVER = "server"
    """Answers, and writes the journals."""
    LOOP = "loop"
    """Measures, decides and trains."""


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """The process that has a role: its number, since when (ISO 8601), by which command, and whether it is done soon."""

    format: Literal[1] = 1
    pid: int
    since: str
    command: str
    is_brief: bool = False

    def __str__(self) -> str:
        return f"process {self.pid} (`{self.command}`), since {self.since}"

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs."""
        try:
            os.kill(self.pid, 0)
        except (ProcessLookupError, OverflowError):
            return False
        except PermissionError:  # of another user
            pass
        return True


class Hold:
    """A role that this process has. Use it in a `with` statement, or pass it on to the process that takes its place."""

    def __init__(self, file: int) -> None:
        self.file = file

    def __enter__(self) -> Hold:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Let others have the role. A process that it was passed on to keeps it."""
        with suppress(OSError):
            os.ftruncate(self.file, 0)  # nobody has it now
        os.close(self.file)


def lock_path(project: Project, role: Role) -> Path:
    """The file that the owner of the role locks."""
    return project.home / f"{role}.lock"


def take_role(project: Project, role: Role, *, wait_seconds: float = 0.0, is_brief: bool = False) -> Hold:
    """The role for this process; an error that names the owner where another process has it.

    It waits for an owner that is done soon, for what a dead owner has left to end, and else for `wait_seconds`.
    """
    path = lock_path(project, role)
    try:
        path.parent.mkdir(exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise disk_fault(error, path) from error
    began = time.perf_counter()
    try:
        while not _try_lock(file):
            owner = read_owner(project, role)
            waited = time.perf_counter() - began
            if waited >= max(wait_seconds, _patience(owner)):
                raise role_taken(project, role, owner)
            time.sleep(POLL_SECONDS)
        _write_owner(file, Owner(pid=os.getpid(), since=_now(), command=_command(), is_brief=is_brief))
    except BaseException:
        os.close(file)
        raise
    return Hold(file)


def keep_role(file: int) -> Hold:
    """The role that the process that started this one, or was it before, has passed on as an open file."""
    os.set_inheritable(file, False)
    return Hold(file)


def read_owner(project: Project, role: Role) -> Owner | None:
    """The process that had the role last; None where there was none, or it has not said yet who it is."""
    try:
        return msgspec.json.decode(lock_path(project, role).read_bytes(), type=Owner)
    except (OSError, msgspec.DecodeError):
        return None


def role_taken(project: Project, role: Role, owner: Owner | None, *, where: str | None = None) -> MlopsError:
    """The error that says who has the role."""
    who = str(owner) if owner else "a process that has just started"
    where = where or str(project.root)
    if role is Role.LOOP:
        return Refused(
            f"another loop of this project is at work: {who}",
            code="loop_locked",
            where=where,
            hint="wait until it is done, or stop it; `mlops rollback` needs not wait",
        )
    return EnvironmentFault(
        f"a server of this project is running: {who}",
        code="journal_locked",
        where=where,
        hint="stop it first: only one server may write the journal; `mlops status` shows its address",
    )


def _patience(owner: Owner | None) -> float:
    """How long the owner is waited for in any case, in seconds."""
    if owner is None:  # it is about to write who it is
        return 1.0
    if not owner.is_alive:
        return DYING_SECONDS
    return BRIEF_SECONDS if owner.is_brief else 0.0


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write_owner(file: int, owner: Owner) -> None:
    with suppress(OSError):  # a full disk: the lock counts, not who it says has it
        os.ftruncate(file, 0)
        os.pwrite(file, msgspec.json.encode(owner), 0)


def _now() -> str:
    return clock.now().isoformat(timespec="seconds")


def _command() -> str:
    """The command that was typed, without its options: they may hold secrets."""
    program = Path(sys.argv[0]).name if sys.argv else ""
    name = {"-c": "mlops", "__main__.py": "python -m mlops_lab.serving"}.get(program, program)
    return " ".join([name, *takewhile(lambda word: not word.startswith("-"), sys.argv[1:])]).strip()
