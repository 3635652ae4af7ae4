"""What is noted beside the copy of a lake, in `.mlops/mirror`: of which store it is the copy, its name among those on
other machines, when it was fetched, which packages were sent, and since when the store does not answer."""

from __future__ import annotations

import math
import socket
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from mlops_lab import clock
from mlops_lab.files import disk_fault, write_atomically
from mlops_lab.ids import new_id

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class _Origin(msgspec.Struct, frozen=True):
    """Of which store a folder of tables is the copy."""

    uri: str
    format: Literal[1] = 1


class _Machine(msgspec.Struct, frozen=True):
    """The name of a copy, and where it lies."""

    id: str
    place: str
    format: Literal[1] = 1


class _Sent(msgspec.Struct, frozen=True):
    """The packages that a store has, by their folders in the project."""

    uri: str
    packages: list[str]
    format: Literal[1] = 1


class StoreAway(msgspec.Struct, frozen=True):
    """Since when a store does not answer, and what it said."""

    since: datetime
    what: str
    format: Literal[1] = 1


_Note = TypeVar("_Note", _Origin, _Machine, _Sent, StoreAway)


def notes_folder(lake: Path) -> Path:
    """Where the notes about a copy are."""
    return lake.parent / "mirror"


def is_copy(lake: Path) -> bool:
    """Whether a folder of tables is the copy of those in an object store."""
    return read_origin(lake) is not None


def read_origin(lake: Path) -> str | None:
    """The address of the store of which a folder of tables is the copy; None where it is none."""
    origin = _read(_origin_path(lake), _Origin)
    return None if origin is None else origin.uri


def note_origin(lake: Path, uri: str) -> None:
    """Make the folder the copy of a store from now on."""
    _write(_origin_path(lake), _Origin(uri), durable=True)


def end_copy(lake: Path) -> None:
    """Make the folder a lake of its own from now on."""
    _origin_path(lake).unlink(missing_ok=True)


def machine_id(lake: Path) -> str:
    """The name of this copy among those on other machines. A folder that was copied to another place, with all that is
    in it, gets a name of its own there."""
    path, place = notes_folder(lake) / "machine.json", f"{socket.gethostname()}:{lake.absolute()}"
    kept = _read(path, _Machine)
    if kept is None or kept.place != place:
        kept = _Machine(new_id()[:12], place)
        _write(path, kept, durable=True)
    return kept.id


def read_sent_packages(lake: Path, uri: str) -> set[str]:
    """The folders of packages that a store is known to have: see `rollout.shared_packages`."""
    sent = _read(_sent_path(lake), _Sent)
    return set(sent.packages) if sent is not None and sent.uri == uri else set()


def note_sent_package(lake: Path, uri: str, folder: str) -> None:
    """Note that a store has a package."""
    _write(_sent_path(lake), _Sent(uri, sorted({*read_sent_packages(lake, uri), folder})))


def is_of_this_boot(lake: Path) -> bool:
    """Whether all tables were fetched since the machine was started."""
    with suppress(FileNotFoundError):
        return _boot_path(lake).read_text() == _boot_id()
    return False


def note_fetched(lake: Path) -> None:
    """Note that all tables were fetched now, so the store answers. EnvironmentFault where it cannot be written."""
    try:
        notes_folder(lake).mkdir(parents=True, exist_ok=True)
        _boot_path(lake).write_text(_boot_id())
        _fetched_path(lake).touch()
        _away_path(lake).unlink(missing_ok=True)
    except OSError as error:
        raise disk_fault(error, notes_folder(lake)) from error


def fetched_seconds_ago(lake: Path) -> float:
    """How long ago all tables were fetched last."""
    with suppress(FileNotFoundError):
        return max(0.0, clock.now().timestamp() - _fetched_path(lake).stat().st_mtime)
    return math.inf


def note_away(lake: Path, what: str) -> None:
    """Note that the store of a copy does not answer, for whoever reads the copy as it is."""
    if read_away(lake) is None:
        _write(_away_path(lake), StoreAway(clock.now(), what))


def read_away(lake: Path) -> StoreAway | None:
    """Since when the store of a copy does not answer; None where it does, or there is none."""
    return _read(_away_path(lake), StoreAway)


def _read(path: Path, kind: type[_Note]) -> _Note | None:
    with suppress(FileNotFoundError, msgspec.MsgspecError):
        return msgspec.json.decode(path.read_bytes(), type=kind)
    return None


def _write(path: Path, note: msgspec.Struct, *, durable: bool = False) -> None:
    """Write a note; EnvironmentFault where it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, msgspec.json.encode(note), durable=durable)
    except OSError as error:
        raise disk_fault(error, path) from error


def _boot_id() -> str:
    """What differs each time that the machine is started; empty where the system does not tell."""
    with suppress(OSError):
        return _BOOT_ID.read_text().strip()
    return ""


def _origin_path(lake: Path) -> Path:
    return notes_folder(lake) / "origin.json"


def _sent_path(lake: Path) -> Path:
    return notes_folder(lake) / "packages.json"


def _away_path(lake: Path) -> Path:
    return notes_folder(lake) / "away.json"


def _boot_path(lake: Path) -> Path:
    return notes_folder(lake) / "boot"


def _fetched_path(lake: Path) -> Path:
    return notes_folder(lake) / "fetched"
