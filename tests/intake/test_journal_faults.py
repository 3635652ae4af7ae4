"""A journal and a lake that do not agree: nothing acknowledged later is lost, nothing is counted twice, and an alert
says so."""

import base64
import json
import shutil
from contextlib import closing
from pathlib import Path

import pytest
from one_of_each import ids, records_of, write
from slow import mostly_slow

from mlops_lab.alerts.channels.table import read_alerts
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.intake.journal_faults import count_damage, set_piece_aside
from mlops_lab.intake.unfit import JOURNAL
from mlops_lab.journal.records import encode_frame
from mlops_lab.journal.segments import Piece, read_pieces, segment_name
from mlops_lab.journal.workers import read_progress, worker_path
from mlops_lab.journal.writer import Journal
from mlops_lab.lake import Lake
from mlops_lab.monitoring.log_check import check_log
from mlops_lab.tables.declared import QUARANTINE

TABLES = ["outcomes", "predictions", "refusals", "shadows", "stock", "quarantine"]


def ingest(small) -> list[str]:
    """Move the journals into the lake, twice, as a new process; what the alerts say."""
    for _ in range(2):
        ingest_journal(small.project, Lake(small.project.lake_path))
    small.lake = Lake(small.project.lake_path)
    return [alert.what for alert in read_alerts(small.lake) if alert.rule == "journal"]


def check(small, *names: str) -> None:
    """Each table has these rows, each once, and the digests agree."""
    assert ids(small.lake) == sorted(names)
    assert {table: small.lake.read(table).height for table in TABLES} == dict.fromkeys(TABLES, len(names))
    assert check_log(small.lake).problems == []


def replace(path: Path, backup: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
    if backup.exists():
        shutil.copytree(backup, path)


@pytest.fixture(
    params=mostly_slow(
        ["at once", "after its restart", "longer than before", "long after"], quick=["at once", "longer than before"]
    )
)
def when(request) -> int:
    return {"at once": 0, "after its restart": 1, "longer than before": 5, "long after": 20}[request.param]


@pytest.mark.parametrize("worker", [0, 1])
@pytest.mark.parametrize("with_epochs", [True, False], ids=["", "of an older release"])
def test_a_journal_restored_from_a_backup_goes_on(small, tmp_path, when, worker, with_epochs):
    journal = worker_path(small.project.journal_path, worker)
    write(small.project, "a", "b", worker=worker)
    if not with_epochs:
        for marker in journal.glob("*.epoch"):
            marker.unlink()
    shutil.copytree(journal, tmp_path / "backup")
    write(small.project, "c", "d", worker=worker)
    if not with_epochs:
        for marker in journal.glob("*.epoch"):
            marker.unlink()
    assert ingest(small) == []
    replace(journal, tmp_path / "backup")
    later = [f"later {number}" for number in range(when)]
    for name in later:
        write(small.project, name, worker=worker)
    alerts = ingest(small)
    check(small, "a", "b", "c", "d", *later)
    if when:
        assert len(alerts) == 1
        assert "was set back" in alerts[0]


@pytest.mark.parametrize("worker", [0, 1])
def test_a_journal_that_was_deleted_goes_on(small, when, worker):
    write(small.project, "a", "b", "c", worker=worker)
    assert ingest(small) == []
    shutil.rmtree(worker_path(small.project.journal_path, worker))
    later = [f"later {number}" for number in range(when)]
    for name in later:
        write(small.project, name, worker=worker)
    alerts = ingest(small)
    check(small, "a", "b", "c", *later)
    if when:
        assert len(alerts) == 1
        assert "deleted or replaced" in alerts[0]
    shutil.rmtree(worker_path(small.project.journal_path, worker), ignore_errors=True)
    write(small.project, "again", worker=worker)
    assert len(ingest(small)) == len(alerts) + 1
    check(small, "a", "b", "c", *later, "again")


def test_a_backup_of_long_ago_adds_nothing_twice(small, tmp_path):
    """Whose epochs the present journal does not know any more."""
    journal = small.project.journal_path
    write(small.project, "a")
    shutil.copytree(journal, tmp_path / "backup")
    ingest(small)
    shutil.rmtree(journal)
    for name in "bcde":
        write(small.project, name)
        ingest(small)
    replace(journal, tmp_path / "backup")
    write(small.project, "f")
    ingest(small)
    check(small, *"abcdef")


@pytest.mark.parametrize("table", mostly_slow([*TABLES, "log_digests"], quick=["outcomes", "stock"]))
@pytest.mark.parametrize("worker", mostly_slow([0, 1], quick=[1]))
@pytest.mark.parametrize("existed", [True, False])
def test_a_table_that_is_older_than_the_others_gets_what_it_lacks(small, tmp_path, table, worker, existed):
    """As in a plain copy of a live project, which takes one table after the other."""
    write(small.project, "a")
    write(small.project, "b", worker=1)
    if existed:
        ingest(small)
        shutil.copytree(small.lake.table_path(table), tmp_path / "backup")
    write(small.project, "c", "d", worker=worker)
    write(small.project, "e", worker=1 - worker)
    ingest(small)
    replace(small.lake.table_path(table), tmp_path / "backup")
    alerts = ingest(small)
    check(small, *"abcde")
    assert len(alerts) == (table not in {"predictions", *([] if existed else ["log_digests"])})
    write(small.project, "f")
    assert ingest(small) == alerts
    check(small, *"abcdef")


def test_a_lake_that_is_older_than_the_journal_gets_what_the_journal_holds(small, tmp_path):
    write(small.project, "a")
    ingest(small)
    shutil.copytree(small.lake.path, tmp_path / "backup")
    write(small.project, "b")
    ingest(small)
    replace(small.lake.path, tmp_path / "backup")
    write(small.project, "c")
    assert ingest(small) == []
    check(small, "a", "b", "c")


@pytest.mark.parametrize("known", [True, False])
def test_what_neither_the_lake_nor_the_journal_holds_is_told(small, tmp_path, known):
    """The segment that held it was deleted, as the lake held it once."""
    write(small.project, "a")
    if known:
        ingest(small)
        shutil.copytree(small.lake.path, tmp_path / "backup")
    with closing(Journal(small.project.journal_path, segment_bytes=1)) as journal:
        for name in "bc":
            journal.append([encode_frame(records_of(name))])
    ingest(small)
    replace(small.lake.path, tmp_path / "backup")
    (small.project.journal_path / segment_name(0)).unlink()
    (alert,) = ingest(small)
    assert ("damaged" if known else "hold nothing of the journal before") in alert
    assert ids(small.lake) == (["a", "c"] if known else ["c"])
    missing = QUARANTINE.read(small.lake).filter(table=JOURNAL)["reason"].to_list()
    assert len(missing) == count_damage(small.lake).places == known
    assert all(reason.endswith("are missing") for reason in missing)


@pytest.mark.parametrize("place", [1, 6, 100])
def test_what_is_damaged_is_set_aside_and_the_rest_goes_on(small, place):
    write(small.project, "a", "b", "c")
    path = small.project.journal_path / segment_name(0)
    frame = list(read_pieces(small.project.journal_path, 0))[1]
    data = bytearray(path.read_bytes())
    data[frame.start + place] ^= 1
    path.write_bytes(data)
    write(small.project, "d")
    (alert,) = ingest(small)
    size = frame.end - frame.start
    assert f"{size:,} bytes in 1 places" in alert
    assert ids(small.lake) == ["a", "c", "d"]
    row = QUARANTINE.read(small.lake).filter(table=JOURNAL).row(0, named=True)
    assert base64.b64decode(json.loads(row["row"])["data"]) == data[frame.start : frame.end]
    assert (count_damage(small.lake).places, count_damage(small.lake).bytes) == (1, size)
    assert read_progress(small.project.positions_path).damage == count_damage(small.lake)


def test_a_large_damaged_piece_is_set_aside_in_parts_that_fit_a_row():
    data = bytes(range(256)) * 10_000
    rows = [json.loads(record.row) for record in set_piece_aside(Piece(5, 5 + len(data), data, is_damaged=True))]
    assert b"".join(base64.b64decode(row["data"]) for row in rows) == data
    assert [row["start"] for row in rows] == [5, *(row["end"] for row in rows[:-1])]
    assert rows[-1]["end"] == 5 + len(data)
    (missing,) = set_piece_aside(Piece(5, 10**9, b"", is_damaged=True))
    assert json.loads(missing.row) == {"start": 5, "end": 10**9, "data": ""}
