"""Forgetting a person: first what there is, and what stands against it; then all of it is erased, in an order in which
a kill at any moment leaves an erasure that goes on when it is asked for again."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from mlops_lab import clock
from mlops_lab.errors import MlopsError, NotFound, Refused
from mlops_lab.files import disk_fault
from mlops_lab.ids import new_id
from mlops_lab.intake.digests import DIGESTED, subtract_digests
from mlops_lab.intake.journal import ingest_journal, ingest_lock
from mlops_lab.intake.logged_ids import index_ids
from mlops_lab.intake.read import read_table
from mlops_lab.journal.erase import erase_records
from mlops_lab.lake import Lake
from mlops_lab.lake.erase import count_pinned, delete_rows, erase_pinned, matching_rows
from mlops_lab.lake.file_summaries import FOLDER as SUMMARIES
from mlops_lab.lake.history import extend_history
from mlops_lab.lake.upkeep import write_checkpoint
from mlops_lab.loop.erasures import (
    BEGUN,
    DELAY,
    ERASED,
    OLD_VERSIONS,
    Erasure,
    finish_erasures,
    hash_person,
    merge_counts,
    note_erasure,
    read_erasures,
)
from mlops_lab.loop.holds import LegalHold, read_holds
from mlops_lab.loop.needed_versions import find_needed, trained_on
from mlops_lab.project import Project
from mlops_lab.project.owners import Role, take_role
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.decisions import Decision, fold
from mlops_lab.rollout.deploy import deploy
from mlops_lab.rollout.journal_positions import journal_logs, journal_positions
from mlops_lab.runtime.erasure.person import Person, find_person
from mlops_lab.tables.declared import ALERTS, OUTCOMES, PREDICTIONS, QUARANTINE, REFUSALS, SHADOWS, TABLES
from mlops_lab.tables.open_lake import open_lake

_WAIT_SECONDS = 30.0
_LAST = [SHADOWS.name, OUTCOMES.name, REFUSALS.name, PREDICTIONS.name]


class Traces(NamedTuple):
    """What there is of a person: by table the rows of its newest version and of old versions that stay readable, the
    records in the journals, and the model versions whose data had such rows. In the way: rows in the project's data
    (by table), and legal holds. `unread`: data that could not be read, and why."""

    rows: dict[str, int]
    old_rows: dict[str, int]
    records: int
    versions: list[int]
    in_data: dict[str, int]
    holds: list[LegalHold]
    unread: dict[str, str]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing of the person."""
        return not (self.rows or self.old_rows or self.records)


def find_traces(project: Project, key: str, *, column: str | None = None) -> Traces:
    """What the project holds of a person; nothing is erased."""
    lake = open_lake(project)
    ingest_journal(project, lake)
    decisions = read_decisions(lake)
    with ingest_lock(project, lake):
        _note_versions(project, lake, decisions)
        return _trace(project, lake, decisions, find_person(project, lake, decisions, key, column=column))


def forget(project: Project, key: str, *, column: str | None = None, by: str) -> tuple[Traces, Erasure | None]:
    """Erase all that the project holds of a person: what there was, and the record of it (None: there was nothing).

    Refused, and nothing changes, where a legal hold or the project's data has rows of the person, or a loop is at work
    for longer than some seconds. Kept copies of files go `DELAY` later, with the tick that comes then.
    """
    with take_role(project, Role.LOOP, wait_seconds=_WAIT_SECONDS, is_brief=True):
        lake = open_lake(project)
        ingest_journal(project, lake)
        decisions = read_decisions(lake)
        with ingest_lock(project, lake):
            _note_versions(project, lake, decisions)
            person = find_person(project, lake, decisions, key, column=column)
            traces = _trace(project, lake, decisions, person)
            _check_free(traces)
            record = _begin(project, lake, traces, key, by=by)
            if record is None:
                return traces, None
            _erase_records(project, lake, person)
            for name in _in_order(project, lake):
                _erase_table(lake, name, person)
            _drop_caches(project, lake)
            index_ids(project, lake)
        if (store := project.settings.serving.online_store) != "memory":
            from mlops_lab.features.redis import drop_store  # an optional package

            drop_store(store, project=project.name)
        deploy(project, lake, decisions=decisions, state=fold(decisions), new_state=True)
        now = clock.now()
        record = msgspec.structs.replace(record, event=ERASED, at=now, due=now + DELAY)
        note_erasure(lake, record)
        with ingest_lock(project, lake):
            finish_erasures(project, lake, now=now)
        return traces, record


def _note_versions(project: Project, lake: Lake, decisions: Sequence[Decision]) -> None:
    """Note the files of all table versions that stay readable: these are looked at, and later written anew."""
    needed = find_needed(project, lake, decisions)
    for name in lake.tables():
        if versions := needed.of(name):
            extend_history(lake.table_path(name), pinned=versions)


def _trace(project: Project, lake: Lake, decisions: Sequence[Decision], person: Person) -> Traces:
    rows, old_rows, versions = {}, {}, set[int]()
    users = trained_on(project, decisions).needed
    held = read_holds(lake)
    in_the_way = []
    for name in _in_order(project, lake):
        match = person.match(name)
        if count := matching_rows(lake, name, match).height:
            rows[name] = count
        counts = count_pinned(lake, name, match)
        if counts:
            old_rows[name] = sum(counts.values())
        in_the_way += [hold for hold in held if hold.table == name and hold.version in counts]
        for item, by in users.items():
            if item.table == name and item.version in counts:
                versions |= {int(text.split()[1]) for text in by if text.split()[1].isdecimal()}
    in_data, unread = _look_into_data(project, person)
    records = _erase_records(project, lake, person, dry_run=True)
    return Traces(rows, old_rows, records, sorted(versions), in_data, in_the_way, unread)


def _look_into_data(project: Project, person: Person) -> tuple[dict[str, int], dict[str, str]]:
    """By table the rows of the person in the project's data; and which data could not be read, and why."""
    settings, found, unread = project.settings, {}, {}
    for name in (settings.source.table, *settings.tables):
        try:
            rows = read_table(project, name)
        except NotFound:  # it was deleted after it was loaded
            continue
        except MlopsError as error:
            unread[name] = error.what
            continue
        if count := rows.filter(person.match(name).expression(rows.columns)).height:
            found[name] = count
    return found, unread


def _check_free(traces: Traces) -> None:
    if traces.holds:
        held = ", ".join(f"{hold.table}@{hold.version} (hold {hold.hold}: {hold.reason})" for hold in traces.holds)
        raise Refused(
            f"rows of this person are under a legal hold: {held}",
            code="held",
            hint="release it first, if that is right: `mlops hold release HOLD --reason ...`; nothing was erased",
        )
    if traces.in_data:
        tables = ", ".join(f"{rows:,} of {name}" for name, rows in traces.in_data.items())
        raise Refused(
            f"the project's data still has rows of this person: {tables}",
            code="in_data",
            where="the files or queries that `data` in mlops.toml names",
            hint="delete them there first, else the next `mlops run` brings them back; nothing was erased",
        )


def _begin(project: Project, lake: Lake, traces: Traces, key: str, *, by: str) -> Erasure | None:
    """Record that the erasure begins, or that an interrupted one goes on; None where there is nothing to do."""
    person = hash_person(project, key)
    left = next((item for item in read_erasures(lake) if item.person == person and item.event == BEGUN), None)
    if traces.is_empty and left is None:
        return None
    rows = {**traces.rows, **{f"{name}{OLD_VERSIONS}": count for name, count in traces.old_rows.items()}}
    record = Erasure(
        erasure=left.erasure if left else new_id()[:8],
        at=clock.now(),
        event=BEGUN,
        person=person,
        by=by,
        due=None,
        rows=merge_counts(left.rows if left else {}, rows),
        versions=sorted({*traces.versions, *(left.versions if left else ())}),
    )
    note_erasure(lake, record)
    return record


def _in_order(project: Project, lake: Lake) -> list[str]:
    """The tables that may hold rows of a person, in the order in which they are erased: some rows are known only by the
    ids that the last tables hold. Facts may be in tables that are not declared any more."""
    own, source = {table.name for table in TABLES}, project.settings.source.table
    facts = [name for name in lake.tables() if name not in own and name != source]
    return [name for name in (QUARANTINE.name, ALERTS.name, *facts, *_LAST, source) if lake.exists(name)]


def _erase_records(project: Project, lake: Lake, person: Person, *, dry_run: bool = False) -> int:
    """Erase the records in the servers' journals that are in the lake; how many there were."""
    logs = zip(journal_logs(project, lake), journal_positions(project, lake), strict=True)
    return sum(erase_records(log.path, until.position, person.has_record, dry_run=dry_run) for log, until in logs)


def _erase_table(lake: Lake, name: str, person: Person) -> None:
    """Old versions first: what is left to do is found by the newest one."""
    match, position = person.match(name), None
    erase_pinned(lake, name, match)
    rows = matching_rows(lake, name, match)
    if rows.is_empty():
        return
    if name in DIGESTED:
        position = subtract_digests(lake, DIGESTED[name], rows)
    delete_rows(lake, name, match, position=position)
    write_checkpoint(lake, name)


def _drop_caches(project: Project, lake: Lake) -> None:
    """Delete what may repeat rows, and is made again where it is needed."""
    try:
        for folder in (lake.path / SUMMARIES, project.downloads_path, project.home / "set_aside"):
            if folder.exists():
                shutil.rmtree(folder)
    except OSError as error:
        raise disk_fault(error, project.home) from error
