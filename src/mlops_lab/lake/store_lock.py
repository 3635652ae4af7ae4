"""A lock that machines share: an object in the store, which its holder writes anew again and again.

A machine that dies leaves the object behind. Another one takes it over when it has not changed for `LEASE_SECONDS`, by
its own stopwatch: clocks of machines differ. One that finds an object that is far older need not wait. A holder that
could not renew it in time may work beside the next one for a moment: so what is done under a lock must also be a commit
that only one of two can make (a decision with its number, rows with their position).
"""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from mlops_lab import clock
from mlops_lab.errors import EnvironmentFault, Refused
from mlops_lab.ids import new_id
from mlops_lab.lake.object_store import Content, ObjectStore

LEASE_SECONDS = 30.0
_CLOCKS_APART = timedelta(minutes=2)
_POLL_SECONDS = 0.25
_SEEN: dict[str, tuple[str, float]] = {}
"""By the place of a lock, the tag of what this process saw there last, and since when: whoever asks for it again
and again must not begin to wait anew each time."""


class Holder(msgspec.Struct, frozen=True):
    """Who holds a lock: the machine, the number of the process, since when (ISO 8601), and how often it was renewed.

    `place`: in the same place, a process of another number is another process.
    """

    id: str
    machine: str
    place: str
    pid: int
    since: str
    renewed: int = 0
    format: Literal[1] = 1


class StoreLock:
    """The lock of this name, for a `with` statement; Refused where another machine keeps it longer than one waits."""

    def __init__(
        self, store: ObjectStore, name: str, *, wait_seconds: float, lease_seconds: float = LEASE_SECONDS
    ) -> None:
        self._store, self._path = store, f"_locks/{name}.json"
        self._wait_seconds, self._lease_seconds = wait_seconds, lease_seconds
        since = clock.now().isoformat(timespec="seconds")
        self._holder = Holder(new_id(), socket.gethostname(), _place(), os.getpid(), since)
        self._tag = ""
        self._ended = threading.Event()
        self._renewer = threading.Thread(target=self._renew, name=f"lock {name}", daemon=True)

    def __enter__(self) -> StoreLock:
        self._acquire()
        self._renewer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._renewer.join()
        try:
            found = self._store.read(self._path)
            if found is not None and found.tag == self._tag:
                self._store.delete([self._path])
        except EnvironmentFault:  # it runs out by itself
            pass

    def _acquire(self) -> None:
        began, place = time.perf_counter(), f"{self._store.uri}/{self._path}"
        while True:
            found = self._store.read(self._path)
            if found is None:
                if self._store.create(self._path, self._content()):
                    return self._note_tag()
                continue
            now = time.perf_counter()
            tag, since = _SEEN.get(place, ("", now))
            _SEEN[place] = (found.tag, since if found.tag == tag else now)
            is_over = now - _SEEN[place][1] >= self._lease_seconds or clock.now() - found.modified_at > _CLOCKS_APART
            if (is_over or _is_dead(found)) and self._store.replace(self._path, self._content(), tag=found.tag):
                return self._note_tag()
            if now - began >= self._wait_seconds:
                raise self._taken(found)
            time.sleep(_POLL_SECONDS)

    def _note_tag(self) -> None:
        found = self._store.read(self._path)
        self._tag = found.tag if found is not None else ""

    def _renew(self) -> None:
        while not self._ended.wait(self._lease_seconds / 3):
            self._holder = msgspec.structs.replace(self._holder, renewed=self._holder.renewed + 1)
            try:
                if not self._store.replace(self._path, self._content(), tag=self._tag):
                    return  # another machine has taken it over
                self._note_tag()
            except EnvironmentFault:  # once more, a moment later
                continue

    def _content(self) -> bytes:
        return msgspec.json.encode(self._holder)

    def _taken(self, found: Content) -> Refused:
        holder = _holder_of(found)
        who = f"process {holder.pid} on {holder.machine}, since {holder.since}" if holder else "of a newer release"
        return Refused(
            f"another machine is at work on this project: {who}",
            code="loop_locked",
            where=f"{self._store.uri}/{self._path}",
            hint=f"wait until it is done; where it has died, it is taken over after {self._lease_seconds:.0f} seconds",
        )


def _holder_of(found: Content) -> Holder | None:
    """Who wrote the object of a lock; None where another release did, in a form that this one cannot read."""
    with suppress(msgspec.MsgspecError):
        return msgspec.json.decode(found.data, type=Holder)
    return None


def _is_dead(found: Content) -> bool:
    """Whether the holder was a process of this machine, and has ended."""
    holder = _holder_of(found)
    if holder is None or not holder.place or holder.place != _place():
        return False
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):  # of another user
        pass
    return False


@cache
def _place() -> str:
    """Where the numbers of processes mean the same: this machine since it was started, and this container; nothing
    where that cannot be told."""
    with suppress(OSError):
        started = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{socket.gethostname()} {started} {os.readlink('/proc/self/ns/pid')}"
    return ""
