"""Journals of machines that share a lake, in its store: what a machine acknowledged outlives it.

Each machine ships what its journals hold and the lake does not yet, about every second. Its own loop moves the journals
into the lake, and deletes what was shipped. What nobody has moved for a while, because its machine died or its loop
stands still, any other loop moves: each record once, since the tables store positions by epoch, and an epoch's name is
unique.
"""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from mlops_lab import clock
from mlops_lab.errors import EnvironmentFault
from mlops_lab.intake.journal import ingest_lock, ingest_log
from mlops_lab.journal.epochs import NO_EPOCH, Epoch, read_epochs, restore_epochs
from mlops_lab.journal.frames import HEADER
from mlops_lab.journal.segments import read_pieces, segment_name
from mlops_lab.lake import Lake
from mlops_lab.lake.commits import StoredCommits
from mlops_lab.lake.copy_notes import machine_id
from mlops_lab.lake.object_store import ObjectStore
from mlops_lab.project import Project
from mlops_lab.rollout.journal_positions import JournalLog, journal_logs, writer_in
from mlops_lab.tables.declared import PREDICTIONS

ABANDONED_AFTER = timedelta(minutes=2)
"""How long what was shipped may wait for the loop of its own machine."""
_FOLDER = "_journals"
_MOST_BYTES = 8 * 2**20


class Shipment(NamedTuple):
    """A part of a worker's journal in the store: where it lies, and its epoch."""

    machine: str
    worker: int
    epoch: Epoch
    start: int
    end: int

    @property
    def path(self) -> str:
        """Its place in the store, which says all of this."""
        epoch = f"{self.epoch.start:020d}-{self.epoch.id or '0'}"
        return f"{_FOLDER}/{self.machine}/{self.worker}/{epoch}/{self.start:020d}-{self.end:020d}"


class Shipper:
    """Ships the journals of this machine; it remembers how far they were shipped, and what lies in the store."""

    def __init__(self, project: Project, lake: Lake) -> None:
        self._project, self._lake = project, lake
        self._shipped: dict[int, int] = {}
        self._stored: list[Shipment] | None = None

    def ship(self) -> None:
        """Ship what is new, and delete what the lake holds by now. Nothing where no other machine shares the lake."""
        if not isinstance(self._lake.commits, StoredCommits):
            return
        store, machine = self._lake.commits.mirror.store, machine_id(self._lake.path)
        if self._stored is None:
            self._stored = _shipments_of(store, machine)
        for log in journal_logs(self._project, self._lake):
            moved = log.resumption(PREDICTIONS.name).position
            since = max(moved, self._shipped.get(log.worker, 0))
            for shipment, data in _parts(log, machine, since):
                store.write(shipment.path, data)
                self._shipped[log.worker] = shipment.end
                self._stored.append(shipment)
        self._stored = _delete_moved(self._lake, store, self._stored)


def adopt_journals(project: Project, lake: Lake) -> int:
    """Move into the lake what was shipped and nobody moved for a while; how many parts of journals. Nothing where no
    other machine shares the lake."""
    if not isinstance(lake.commits, StoredCommits):
        return 0
    store, adopted = lake.commits.mirror.store, 0
    waiting: dict[tuple[str, int], list[Shipment]] = {}
    for item in store.objects(_FOLDER):
        shipment = _shipment_at(item.path)
        if shipment.machine != machine_id(lake.path) and clock.now() - item.modified_at > ABANDONED_AFTER:
            waiting.setdefault((shipment.machine, shipment.worker), []).append(shipment)
    for (machine, worker), shipments in waiting.items():
        with tempfile.TemporaryDirectory(prefix="mlops-journal-") as folder, ingest_lock(project, lake):
            lake.refresh()
            path = Path(folder, "journal")
            if _write_journal(store, path, [item for item in shipments if not _is_moved(lake, item)]):
                ingest_log(JournalLog(project, lake, path, worker, machine=machine))
                adopted += len(shipments)
        _delete_moved(lake, store, shipments)
    return adopted


def _parts(log: JournalLog, machine: str, since: int) -> Iterator[tuple[Shipment, bytes]]:
    """The whole frames of a journal after a position, in parts of one epoch each and without gaps."""
    epochs = read_epochs(log.path)
    begins, data, start, end = {epoch.start for epoch in epochs}, bytearray(), since, since

    def part() -> tuple[Shipment, bytes]:
        epoch = next(epoch for epoch in reversed(epochs) if epoch.start <= start)
        return Shipment(machine, log.worker, epoch, start, end), bytes(data)

    for piece in read_pieces(log.path, since):
        if data and (piece.is_damaged or piece.start != end or end in begins or len(data) >= _MOST_BYTES):
            yield part()
            data.clear()
        if piece.is_damaged:
            continue
        if not data:
            start = piece.start
        data += HEADER.pack(len(piece.payload), zlib.crc32(piece.payload)) + piece.payload
        end = piece.end
    if data:
        yield part()


def _write_journal(store: ObjectStore, path: Path, shipments: list[Shipment]) -> bool:
    """Write parts of a journal as one; False where there are none."""
    path.mkdir()
    for shipment in shipments:
        if (content := store.read(shipment.path)) is not None:
            (path / segment_name(shipment.start)).write_bytes(content.data)
    restore_epochs(path, list(dict.fromkeys(shipment.epoch for shipment in shipments)))
    return any(path.glob("*.log"))


def _shipments_of(store: ObjectStore, machine: str) -> list[Shipment]:
    """What a machine has in the store."""
    return [_shipment_at(item.path) for item in store.objects(f"{_FOLDER}/{machine}")]


def _delete_moved(lake: Lake, store: ObjectStore, shipments: Sequence[Shipment]) -> list[Shipment]:
    """Delete what the lake holds by now; what is left."""
    left = [shipment for shipment in shipments if not _is_moved(lake, shipment)]
    store.delete([shipment.path for shipment in shipments if shipment not in left])
    return left


def _is_moved(lake: Lake, shipment: Shipment) -> bool:
    """Whether the lake holds all of it."""
    writer = writer_in(shipment.epoch.id, worker=shipment.worker)
    return lake.position(PREDICTIONS.name, writer) >= shipment.end


def _shipment_at(path: str) -> Shipment:
    try:
        _, machine, worker, epoch, span = path.split("/")
        begin, _, name = epoch.partition("-")
        start, end = map(int, span.split("-"))
        return Shipment(machine, int(worker), Epoch(NO_EPOCH if name == "0" else name, int(begin), None), start, end)
    except ValueError:
        raise EnvironmentFault(
            "is no part of a journal", code="bad_shipment", where=path, hint="remove it from the store"
        ) from None
