"""What a table needs from time to time: its small files put together, and what nobody needs any more deleted.

With these, the number of files and of commits stays small however long a project lives. A kill at any moment costs
nothing: it is done at the next time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from mlops_lab.lake.added import has_commit
from mlops_lab.lake.compaction import due_size, put_together
from mlops_lab.lake.delta import PROPERTIES, Lake
from mlops_lab.lake.durability import commits_of
from mlops_lab.lake.faults import as_lake_faults
from mlops_lab.lake.history import History, extend_history, read_history, write_history
from mlops_lab.lake.leases import leased_files
from mlops_lab.lake.retention import Retention, delete_unneeded, is_worth_it, old_commits, unneeded_files


def keep_small(
    lake: Lake, name: str, *, pinned: Callable[[], Collection[int]], retention: Retention | None = None
) -> bool:
    """Put small files of a table together, and delete what is not needed any more; False where nothing was due.

    `pinned` gives the versions of the table that must stay readable; they are noted before anything is deleted. What a
    process reads at the moment stays, too (`lake.leases`). No other process may do this to the table at the same time;
    appends and reads may go on.
    """
    folder, retention = lake.table_path(name), retention or Retention()
    size = due_size([file.size_bytes for file in lake.files(name).values()])
    commits = old_commits(folder, retention)
    if size is None and not is_worth_it(commits):
        return False
    with as_lake_faults(name, folder):
        history = extend_history(folder, pinned=pinned())
        _set_properties(lake, name)
        if size is not None:
            put_together(lake.commits, name, size_bytes=size)
        pinned_files = history.files | leased_files(lake.path, name)
        delete_unneeded(
            lake.commits, name, current=lake.files(name), pinned=pinned_files, commits=commits, retention=retention
        )
    return True


class Waste(NamedTuple):
    """What can be done about a table: the number of its files and of those that are to be put together, the files and
    commits that can be deleted now, and the versions that stayed readable and that nobody needs any more."""

    files: int
    small_files: int
    unneeded_files: int
    unneeded_bytes: int
    commits: int
    free_versions: tuple[int, ...]


def measure_waste(lake: Lake, name: str, *, needed: Collection[int], retention: Retention | None = None) -> Waste:
    """What `collect` would do about a table; nothing is changed. `needed`: the versions that must stay readable."""
    folder, retention = lake.table_path(name), retention or Retention()
    with as_lake_faults(name, folder):
        files = lake.files(name)
        history = read_history(folder)
        free = tuple(version for version in history.pinned if version not in needed)
        pinned = [file for version in needed for file in _files_of(lake, name, version, history)]
        kept = {*files, *pinned, *leased_files(lake.path, name)}
        unneeded = unneeded_files(folder, kept, retention=retention)
        size = due_size([file.size_bytes for file in files.values()])
        return Waste(
            files=len(files),
            small_files=sum(file.size_bytes < size for file in files.values()) if size else 0,
            unneeded_files=len(unneeded),
            unneeded_bytes=sum(path.stat().st_size for path in unneeded),
            commits=len(old_commits(folder, retention)),
            free_versions=free,
        )


def collect(lake: Lake, name: str, *, needed: Collection[int], retention: Retention | None = None) -> None:
    """Do all that can be done about a table now: put small files together, write a checkpoint, and delete what nobody
    needs. What the small files are replaced by, and commits before the checkpoint, are free after the retention.

    `needed`: the versions that must stay readable; others do so no longer. As `keep_small`, one process at a time.
    """
    folder, retention = lake.table_path(name), retention or Retention()
    with as_lake_faults(name, folder):
        history = extend_history(folder, pinned=needed)
        kept = {number: version for number, version in history.pinned.items() if number in needed}
        if kept != history.pinned:
            history = History(history.columns, kept)
            write_history(folder, history)
            lake.commits.note_history(name)
        _set_properties(lake, name)
        while (size := due_size([file.size_bytes for file in lake.files(name).values()])) is not None:
            before = lake.version(name)
            put_together(lake.commits, name, size_bytes=size)
            if lake.version(name) == before:
                break
        write_checkpoint(lake, name)
        pinned = history.files | leased_files(lake.path, name)
        commits = old_commits(folder, retention)
        delete_unneeded(
            lake.commits, name, current=lake.files(name), pinned=pinned, commits=commits, retention=retention
        )


def write_checkpoint(lake: Lake, name: str) -> None:
    """Write a checkpoint of the table's newest version, where there is none."""
    folder, version = lake.table_path(name), int(commits_of(lake.table_path(name))[-1].stem)
    if not (folder / "_delta_log" / f"{version:020d}.checkpoint.parquet").exists():
        with lake.commits.turn(name):
            table = lake.commits.open(name)
            table.create_checkpoint()
            lake.commits.settle(name, int(table.version()))


def _files_of(lake: Lake, name: str, version: int, history: History) -> Collection[str]:
    """The files of a version that must stay readable."""
    if version in history.pinned:
        return history.pinned[version].files
    return lake.files(name, version=version) if has_commit(lake.table_path(name), version) else ()


def _set_properties(lake: Lake, name: str) -> None:
    """Give a table of an older release the properties that new ones have."""
    if PROPERTIES.items() <= lake.open_table(name).metadata().configuration.items():
        return
    table = lake.commits.open(name)
    table.alter.set_table_properties(PROPERTIES)
    lake.commits.settle(name, int(table.version()))
