"""What is wrong with a journal: damaged or missing pieces, which are set aside, and a journal that is not the one that
was read before. Each becomes an alert, once.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import msgspec
import polars as pl

from mlops_lab import clock
from mlops_lab.alerts.alert import Alert
from mlops_lab.alerts.channels.run import send_alerts
from mlops_lab.journal.epochs import read_epochs
from mlops_lab.journal.records import PredictionRecord, Record, SetAsideRecord
from mlops_lab.journal.segments import Piece, segments
from mlops_lab.journal.workers import Damage, writer_of
from mlops_lab.lake import Lake
from mlops_lab.rollout.journal_positions import JournalLog, is_same_journal, noted_version
from mlops_lab.tables.declared import PREDICTIONS, QUARANTINE

JOURNAL = "journal/"
"""What the quarantine calls the table of bytes that cannot be read: no table has this name."""
DAMAGED, UNREADABLE = "damaged", "unreadable"
_PART_BYTES = 1024 * 1024
_Fault = tuple[str, str, tuple[str, int]]
"""What is wrong, what to do about it, and the position of the alert."""
_RESTORE = "to go back to a backup, restore all of the project: `mlops restore`"


class _DamagedBytes(msgspec.Struct, frozen=True):
    """A row of the quarantine: damaged bytes between two positions, in base64; none where they are missing."""

    start: int
    end: int
    data: str


def set_piece_aside(piece: Piece) -> Iterator[SetAsideRecord]:
    """A damaged piece of a journal as records that are set aside, with all its bytes; none is too large for a row."""
    for start in range(piece.start, piece.end, _PART_BYTES if piece.payload else piece.end - piece.start):
        data = piece.payload[start - piece.start :][:_PART_BYTES]
        end = start + len(data) if data and start + len(data) < piece.start + len(piece.payload) else piece.end
        what = f"bytes {start} to {end} are {'damaged' if data else 'missing'}"
        row = msgspec.json.encode(_DamagedBytes(start, end, base64.b64encode(data).decode()))
        yield SetAsideRecord(clock.now(), JOURNAL, DAMAGED, "", what, row.decode())
        if end == piece.end:
            return


def count_damage(lake: Lake) -> Damage:
    """The damage that was ever found in the journals."""
    if not QUARANTINE.exists(lake):
        return Damage()
    found = QUARANTINE.read(lake, columns=["table", "rule", "row"])
    rows = found.filter((pl.col("table") == JOURNAL) & (pl.col("rule") == DAMAGED))["row"]
    return _sum(rows)


def report_faults(log: JournalLog, records: Sequence[tuple[int, Record]]) -> None:
    """Send the alerts about a journal and the records that were just read from it; each once, however often this is
    called."""
    faults = [*_changed_journal(log), *_damaged_records(log, records)]
    if faults:
        _send(log, faults, _moment(log, records))


def report_older_tables(logs: Sequence[JournalLog], tables: Sequence[str]) -> None:
    """Send the alerts that tables are older than they were."""
    log = logs[0]
    faults = []
    for table in tables:
        since = ", ".join(str(log.resumption(table).position) for log in logs)
        what = f'the table "{table}" is older than it was: it gets again what the journal holds after position {since}'
        faults.append((what, _RESTORE, (f"older {table}", noted_version(log.lake, table))))
    if faults:
        _send(log, faults, _moment(log, ()))


def report_undone(logs: Sequence[JournalLog], tables: Mapping[str, Sequence[str]]) -> None:
    """Send the alerts that the last commits of tables were undone, because of these files."""
    log = logs[0]
    what = "its last commits were undone: files were missing or cut off, by a power cut or in a copy of a live project"
    hint = "what the journal or a data file holds is added again; `mlops features verify` tells what is missing"
    for table, files in tables.items():
        alert = Alert(_moment(log, ()), "log", f"{table}: {what}", f"table {table}, file {', '.join(files)}", hint)
        number = log.lake.version(table) + 1 if log.lake.exists(table) else 1
        send_alerts(log.project, log.lake, [alert], position=(f"undone {table} {files[:1]}", number))


def _send(log: JournalLog, faults: Sequence[_Fault], at: datetime) -> None:
    for what, hint, position in faults:
        alert = Alert(at, "journal", what, str(log.project.journal_path), hint, about=what)
        send_alerts(log.project, log.lake, [alert], position=position)


def _changed_journal(log: JournalLog) -> Iterator[_Fault]:
    """In what the journal is not the one that was read before."""
    resumption, name = log.resumption(PREDICTIONS.name), writer_of(log.worker)
    epochs = read_epochs(log.path)
    first = min(segments(log.path), default=0)
    if not is_same_journal(log) and resumption.is_known:
        what = (
            f"the {name} was set back, by a backup or a power cut: the tables hold more of it than it does now; it is "
            f"read on from position {resumption.position}, and nothing is counted twice"
        )
    elif not is_same_journal(log):
        what = (
            f"the {name} is not the one that was read before: it was deleted or replaced; all that is in it is read, "
            "and what the earlier one held beyond the tables is lost"
        )
    elif not resumption.is_known and first:
        what = f"the tables hold nothing of the {name} before {first}, where it begins now: it is read from there on"
    else:
        return
    after = next((epoch for epoch in epochs if epoch.start >= resumption.position), epochs[-1])
    yield what, _RESTORE, (f"another {name} {after.id}", 1)


def _damaged_records(log: JournalLog, records: Sequence[tuple[int, Record]]) -> Iterator[_Fault]:
    found = [(position, record) for position, record in records if isinstance(record, SetAsideRecord)]
    found = [item for item in found if item[1].table == JOURNAL and item[1].rule in {DAMAGED, UNREADABLE}]
    if not found:
        return
    damage, name = _sum(record.row for _, record in found), writer_of(log.worker)
    what = (
        f"the {name} is damaged: {damage.bytes:,} bytes in {damage.places} places, and "
        f"{len(found) - damage.places} frames that cannot be read, were set aside"
    )
    hint = "all other records are in the tables; `mlops quarantine` shows what was set aside; check the disk"
    yield what, hint, (f"damaged {name} {read_epochs(log.path)[-1].id}", found[-1][0])


def _moment(log: JournalLog, records: Iterable[tuple[int, Record]]) -> datetime:
    """The moment of an alert, on the project's clock."""
    if log.project.settings.project.clock == "wall":
        return clock.now()
    moments = [record.at for _, record in records if isinstance(record, PredictionRecord)]
    if not moments and PREDICTIONS.exists(log.lake):
        moments = PREDICTIONS.read(log.lake, columns=["at"])["at"].drop_nulls().to_list()
    return max(moments, default=clock.now())


def _sum(rows: Iterable[str]) -> Damage:
    places = size = 0
    for row in rows:
        try:
            found = msgspec.json.decode(row, type=_DamagedBytes)
        except msgspec.MsgspecError:  # a whole frame that this version cannot read
            continue
        places, size = places + 1, size + found.end - found.start
    return Damage(places, size)
