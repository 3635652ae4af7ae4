"""What a table needs from time to time: its small files put together, and what nobody needs any more deleted.

With these, the number of files and of commits stays small however long a project lives. A kill at any moment costs
nothing: it is done at the next time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from mlops_lab.lake.compaction import due_size, put_together
from mlops_lab.lake.delta import PROPERTIES, Lake
from mlops_lab.lake.durability import sync_commits
from mlops_lab.lake.faults import as_lake_faults
from mlops_lab.lake.history import extend_history
from mlops_lab.lake.leases import leased_files
from mlops_lab.lake.retention import Retention, delete_unneeded, is_worth_it, old_commits


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
            put_together(folder, size_bytes=size)
        pinned_files = history.files | leased_files(lake.path, name)
        delete_unneeded(folder, current=lake.files(name), pinned=pinned_files, commits=commits, retention=retention)
    return True


def _set_properties(lake: Lake, name: str) -> None:
    """Give a table of an older release the properties that new ones have."""
    table = lake.open_table(name)
    if PROPERTIES.items() <= table.metadata().configuration.items():
        return
    table.alter.set_table_properties(PROPERTIES)
    sync_commits(lake.table_path(name), int(table.version()))
