"""The copy on this machine of tables that lie in an object store: all that reads a lake reads the copy.

A commit is made in the store, by delta-rs, which lets one of two writers of the same version win. Then it is fetched:
its files first, so that whoever reads the copy meanwhile finds either the version before or all of the new one. The
copy holds nothing that the store does not hold. It can be deleted, and is fetched again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from mlops_lab import clock
from mlops_lab.errors import Refused
from mlops_lab.files import disk_fault, locked, write_atomically
from mlops_lab.lake.copy_notes import is_of_this_boot, note_fetched, note_origin, notes_folder, read_origin
from mlops_lab.lake.durability import added_files, commits_of, hidden_predicates
from mlops_lab.lake.history import history_path, read_history
from mlops_lab.lake.object_store import ObjectStore, StoredObject, each

LOG = "_delta_log"
_HISTORY = "_history"
_PRUNE_SECONDS = 3600.0
_LAST_CHECKPOINT = "_last_checkpoint"


class Mirror:
    """The tables of an object store, and their copy in the folder `lake`."""

    def __init__(self, store: ObjectStore, lake: Path) -> None:
        self.store = store
        self.lake = lake
        self._notes = notes_folder(lake)

    # ---- from the store ------------------------------------------------------------------------------------------

    def fetch_all(self) -> None:
        """Fetch what is new of all tables; after the machine has started again, also what is damaged here."""
        names = [name for name in self.store.folders() if not name.startswith("_")]
        each(self.fetch if is_of_this_boot(self.lake) else self._mend, names)
        each(self._fetch_history, self.store.objects(_HISTORY))
        note_fetched(self.lake)

    def fetch(self, name: str) -> None:
        """Fetch what is new of a table; nothing where the store has no such table."""
        with self._locked(name):
            table = self.lake / name
            version = _newest(table)
            if version is None or not self._fetch_since(name, version):
                self._fetch_whole(name)

    def _mend(self, name: str) -> None:
        """Fetch again what is not as large as in the store, or not here: what is fetched is not synced to the disk, so
        a power cut may have lost it."""
        with self._locked(name):
            for item in self.store.objects(name):
                path = self._copied(item)
                if not _is_commit(item) and path.exists() and path.stat().st_size != item.size_bytes:
                    path.unlink()
            self._fetch_whole(name)

    def prune_all(self, kept: Callable[[str], Collection[str]]) -> None:
        """`prune` all tables, once an hour: each costs a look into the store."""
        path = self._notes / "pruned"
        with suppress(FileNotFoundError):
            if clock.now().timestamp() - path.stat().st_mtime < _PRUNE_SECONDS:
                return
        for name in _tables_in(self.lake):
            self.prune(name, kept=kept(name))
        path.touch()

    def prune(self, name: str, *, kept: Collection[str]) -> None:
        """Delete files of the copy that the store does not hold any more, but for those that somebody reads."""
        with self._locked(name):
            stored = {item.path for item in self.store.objects(name)}
            for path in (*(self.lake / name).glob("*.parquet"), *(self.lake / name / LOG).glob("[0-9]*")):
                if path.relative_to(self.lake).as_posix() not in stored and path.name not in kept:
                    path.unlink(missing_ok=True)

    def drop_copy(self, name: str) -> None:
        """Delete the copy of a table: it is fetched again."""
        with self._locked(name):
            shutil.rmtree(self.lake / name, ignore_errors=True)

    def _fetch_since(self, name: str, version: int) -> bool:
        """Fetch the commits after a version; False where the store has newer ones, but not the next."""
        log = f"{name}/{LOG}"
        found = self.store.objects(log, after=f"{log}/{version:020d}")
        commits = [item for item in found if _is_commit(item) and not self._copied(item).exists()]
        if commits and _version_of(commits[0]) != version + 1:
            return False
        for commit in commits:
            self._fetch_commit(name, commit)
        checkpoints = [item for item in found if ".checkpoint" in item.path and not self._copied(item).exists()]
        if checkpoints:
            each(self._fetch_object, checkpoints)
            self._fetch_object(_last_checkpoint(name))
        return True

    def _fetch_commit(self, name: str, commit: StoredObject) -> None:
        content = self.store.read(commit.path)
        if content is None:  # deleted meanwhile: a checkpoint took its place
            return
        data = hidden_predicates(content.data)
        self._fetch_files(name, added_files(data))
        self._put(commit.path, data, modified_at=content.modified_at)

    def _fetch_whole(self, name: str) -> None:
        """Fetch all of a table: files, then checkpoints, then commits, the oldest first."""
        found = self.store.objects(name)
        logged = [item for item in found if item.path.startswith(f"{name}/{LOG}/")]
        commits = [item for item in logged if _is_commit(item)]
        if not commits:
            return
        files = [item.path.partition("/")[2] for item in found if item not in logged]
        self._fetch_files(name, files)
        each(self._fetch_object, [item for item in logged if item not in commits])
        for commit in commits:
            self._fetch_commit(name, commit)

    def _fetch_files(self, name: str, files: Iterable[str]) -> None:
        missing = [f"{name}/{file}" for file in files if not (self.lake / name / file).exists()]
        each(self._fetch_path, missing)

    def _fetch_history(self, item: StoredObject) -> None:
        """Fetch which versions of a table stay readable, and the files of these that are not here."""
        name, at = Path(item.path).stem, item.modified_at.timestamp()
        path = history_path(self.lake / name)
        if path.exists() and path.stat().st_mtime == at:
            return
        with self._locked(name):
            if (found := self.store.read(item.path)) is None:
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, found.data, durable=False)
            self._fetch_files(name, read_history(self.lake / name).files)
            os.utime(path, (at, at))

    def _fetch_object(self, item: StoredObject) -> None:
        self._fetch_path(item.path)

    def _fetch_path(self, path: str) -> None:
        if (content := self.store.read(path)) is not None:
            self._put(path, content.data, modified_at=content.modified_at)

    def _put(self, path: str, data: bytes, *, modified_at: datetime) -> None:
        """Write a file of the copy, as old as the object: `lake.retention` goes by it."""
        target = self.lake / path
        fresh = target.with_name(f".{target.name}.{os.getpid()}.new")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(data)
            os.utime(fresh, (modified_at.timestamp(), modified_at.timestamp()))
            fresh.replace(target)
        except OSError as error:
            with suppress(OSError):
                fresh.unlink()
            raise disk_fault(error, target) from error

    def _copied(self, item: StoredObject) -> Path:
        return self.lake / item.path

    # ---- to the store --------------------------------------------------------------------------------------------

    def hide_predicates(self, name: str) -> None:
        """Take out of the stored commits of a table by which values rows were deleted."""
        for item in self.store.objects(f"{name}/{LOG}"):
            content = self.store.read(item.path) if _is_commit(item) else None
            if content is not None and (hidden := hidden_predicates(content.data)) != content.data:
                self.store.write(item.path, hidden)

    def delete(self, name: str, paths: Sequence[Path]) -> None:
        """Delete files of a table, in the store and here. What must stay readable is noted in the store before."""
        self.send_history(name)
        self.store.delete([path.relative_to(self.lake).as_posix() for path in paths])
        for path in paths:
            path.unlink(missing_ok=True)

    def send_history(self, name: str) -> None:
        """Note in the store which versions of a table stay readable, with files that were written anew for them."""
        path, place = history_path(self.lake / name), f"{_HISTORY}/{name}.json"
        if not path.exists():
            return
        data, stored = path.read_bytes(), self.store.read(place)
        if stored is not None and stored.data == data:
            return
        present = {item.path for item in self.store.objects(name)}
        for file in read_history(self.lake / name).files:
            if f"{name}/{file}" not in present and (self.lake / name / file).exists():
                self.store.write(f"{name}/{file}", (self.lake / name / file).read_bytes())
        self.store.write(place, data)

    # ---- the first time ------------------------------------------------------------------------------------------

    def begin(self) -> bool:
        """Make the folder the copy of the store; False where it is already. The tables that it holds are sent there.

        Refused where both hold tables that have nothing to do with each other.
        """
        if read_origin(self.lake) == self.store.uri:
            return False
        with self._locked(""):
            if read_origin(self.lake) == self.store.uri:
                return False
            for name in _tables_in(self.lake):
                self._send_table(name)
            note_origin(self.lake, self.store.uri)
        return True

    def _send_table(self, name: str) -> None:
        """Send a table of this folder, or what the store lacks of it: its files, then its commits, the oldest first."""
        table = self.lake / name
        stored = {item.path: item for item in self.store.objects(name)}
        commits = [(f"{name}/{LOG}/{path.name}", path) for path in commits_of(table)]
        self._check_same(name, [item for item in commits if item[0] in stored], stored=bool(stored))
        files = [path for path in table.glob("*.parquet") if f"{name}/{path.name}" not in stored]
        each(lambda path: self.store.write(f"{name}/{path.name}", path.read_bytes()), files)
        for path in sorted((table / LOG).glob("*.checkpoint*")):
            self.store.write(f"{name}/{LOG}/{path.name}", path.read_bytes())
        for place, path in commits:
            if place not in stored and not self.store.create(place, path.read_bytes()):
                raise self._other_lake(name)
        if (last := table / LOG / _LAST_CHECKPOINT).exists():
            self.store.write(f"{name}/{LOG}/{_LAST_CHECKPOINT}", last.read_bytes())
        self.send_history(name)

    def _check_same(self, name: str, common: Sequence[tuple[str, Path]], *, stored: bool) -> None:
        """Refused where the store has another table of this name: no commit, or another one, is the same in both."""
        if not stored:
            return
        for place, path in common[-1:]:
            content = self.store.read(place)
            if content is not None and hidden_predicates(content.data) == hidden_predicates(path.read_bytes()):
                return
        raise self._other_lake(name)

    def _other_lake(self, name: str) -> Refused:
        return Refused(
            f'the store holds another table "{name}" than this folder',
            code="other_lake",
            where=self.store.uri,
            hint="name an address below which nothing is stored; or, where the store is right, move .mlops/lake away",
        )

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        try:
            self._notes.mkdir(parents=True, exist_ok=True)
            with locked(self._notes / f"{name}.lock"):
                yield
        except OSError as error:
            raise disk_fault(error, self.lake / name) from error


def _tables_in(lake: Path) -> list[str]:
    return sorted(path.parent.name for path in lake.glob(f"*/{LOG}"))


def _newest(table: Path) -> int | None:
    """The newest version of the copy; None where there is none."""
    with suppress(FileNotFoundError):
        if commits := commits_of(table):
            return int(commits[-1].stem)
    return None


def _is_commit(item: StoredObject) -> bool:
    name = item.path.rpartition("/")[2]
    return name.endswith(".json") and name[:-5].isdigit()


def _version_of(item: StoredObject) -> int:
    return int(item.path.rpartition("/")[2][:-5])


def _last_checkpoint(name: str) -> StoredObject:
    return StoredObject(f"{name}/{LOG}/{_LAST_CHECKPOINT}", 0, datetime.min)
