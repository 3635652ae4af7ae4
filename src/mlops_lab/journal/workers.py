"""The journals of all workers of a project, and how much of each the lake already holds."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import Literal

import msgspec


def worker_path(path: Path, worker: int) -> Path:
    """The folder of a worker's journal. The folder of the first worker contains those of the others."""
    return path if worker == 0 else path / f"worker-{worker}"


def worker_paths(path: Path) -> list[Path]:
    """The folders of all existing journals, in the order of the workers."""
    others = [int(folder.name.removeprefix("worker-")) for folder in path.glob("worker-*")]
    return [worker_path(path, worker) for worker in range(max(others, default=0) + 1)]


def is_locked(path: Path) -> bool:
    """Whether a process has one of the journals open for writing."""
    return any(_is_held(folder / "lock") for folder in worker_paths(path))


def _is_held(path: Path) -> bool:
    try:
        with path.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


class Damage(msgspec.Struct, frozen=True):
    """In how many places journals were damaged, and how many bytes are affected."""

    places: int = 0
    bytes: int = 0


class Progress(msgspec.Struct, frozen=True):
    """How far the loop has moved the journals into the lake: by worker, the position; and what was damaged so far."""

    positions: tuple[int, ...] = ()
    damage: Damage = Damage()
    format: Literal[2] = 2


def read_progress(path: Path) -> Progress:
    """What the loop wrote last; nothing before the first time. Older releases wrote the positions alone."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Progress | tuple[int, ...])
    except (OSError, msgspec.MsgspecError):
        return Progress()
    return found if isinstance(found, Progress) else Progress(found)


def writer_of(worker: int) -> str:
    """The name under which tables store their position in a worker's journal."""
    return "journal" if worker == 0 else f"journal-{worker}"
