"""What must be known of a table after the commits that told it are deleted: the columns that it ever had, and which
files hold the versions that models were trained on."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec
from deltalake import DeltaTable

from mlops_lab.errors import EnvironmentFault
from mlops_lab.files import sync_folder, write_atomically
from mlops_lab.lake.durability import commits_of
from mlops_lab.lake.reading import table_files


class PinnedVersion(msgspec.Struct, frozen=True):
    """A version of a table that stays readable: its columns, its files, and how many of its rows were erased since."""

    columns: tuple[str, ...]
    files: tuple[str, ...]
    erased_rows: int = 0


class History(msgspec.Struct, frozen=True):
    """The columns that a table ever had, as far as commits were deleted, and by number the versions that stay."""

    columns: tuple[str, ...] = ()
    pinned: dict[int, PinnedVersion] = {}
    format: Literal[1] = 1

    @property
    def files(self) -> set[str]:
        """The files of all versions that stay."""
        return {file for version in self.pinned.values() for file in version.files}


def read_history(table: Path) -> History:
    """What is known of a table beyond its log. EnvironmentFault where it cannot be read."""
    path = history_path(table)
    try:
        return msgspec.json.decode(path.read_bytes(), type=History)
    except FileNotFoundError:
        return History()
    except (OSError, msgspec.MsgspecError) as error:
        raise EnvironmentFault(
            f"cannot be read: {error}",
            code="lake_fault",
            where=str(path),
            hint="restore it from a backup: it tells which files hold the data that models were trained on",
        ) from error


def extend_history(table: Path, *, pinned: Iterable[int]) -> History:
    """Note the columns, and the files of these versions, before any commit or file is deleted.

    Versions that the log does not hold stay as they are noted. Those that the table has not reached yet are forgotten:
    it was restored from an older copy.
    """
    before, newest = read_history(table), int(commits_of(table)[-1].stem)
    versions = {number: version for number, version in before.pinned.items() if number <= newest}
    for number in pinned:
        if number not in versions and _is_in_log(table, number):
            versions[number] = _describe(table, number)
    history = History(tuple(sorted({*before.columns, *logged_columns(table)})), versions)
    if history != before:
        write_history(table, history)
    return history


def write_history(table: Path, history: History) -> None:
    """Replace what is known of a table beyond its log; it is on the disk when this returns."""
    path = history_path(table)
    path.parent.mkdir(exist_ok=True)
    write_atomically(path, msgspec.json.encode(history))
    for folder in (path.parent, path.parent.parent):
        sync_folder(folder)


def pinned_version(table: Path, version: int) -> PinnedVersion | None:
    """A version that the log does not hold any more, or of which rows were erased; None where the log tells all of it,
    or where nobody needed that it stays."""
    if not _is_in_log(table, version):
        return read_history(table).pinned.get(version)
    pinned = read_history(table).pinned.get(version) if history_path(table).exists() else None
    return pinned if pinned is not None and pinned.erased_rows else None


def logged_columns(table: Path) -> set[str]:
    """All columns that the table had, as far as its log goes back."""
    names: set[str] = set()
    for file in (table / "_delta_log").glob("*.json"):
        with suppress(OSError, msgspec.DecodeError, KeyError):
            actions = [msgspec.json.decode(line) for line in file.read_bytes().splitlines() if b'"metaData"' in line]
            for action in actions:
                schema = msgspec.json.decode(action["metaData"]["schemaString"])
                names |= {column["name"] for column in schema["fields"]}
    return names


def _describe(table: Path, version: int) -> PinnedVersion:
    opened = DeltaTable(str(table), version=version)
    return PinnedVersion(tuple(field.name for field in opened.schema().fields), tuple(sorted(table_files(opened))))


def _is_in_log(table: Path, version: int) -> bool:
    return (table / "_delta_log" / f"{version:020d}.json").exists()


def history_path(table: Path) -> Path:
    """The file that tells it."""
    return table.parent.parent / "history" / f"{table.name}.json"
