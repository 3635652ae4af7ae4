"""The journal comes into the lake, each record once, whatever was written before a kill."""

import pytest
from one_of_each import AT, REQUEST, ids, write

from mlops_lab.intake import journal
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.journal.records import FactRecord, encode_frame
from mlops_lab.journal.segments import read_pieces
from mlops_lab.journal.workers import read_progress, worker_path
from mlops_lab.journal.writer import Journal
from mlops_lab.lake import Lake
from mlops_lab.monitoring.log_check import check_log

TABLES = ["outcomes", "predictions", "quarantine", "refusals", "shadows", "stock"]


def test_each_kind_of_record_has_its_table(small):
    write(small.project, "a", "b")
    (position,) = ingest_journal(small.project, small.lake)
    assert small.lake.tables() == sorted([*TABLES, "log_digests"])
    assert {table: small.lake.read(table).height for table in TABLES} == dict.fromkeys(TABLES, 2)
    assert read_progress(small.project.positions_path).positions == (position,)
    assert small.lake.read("predictions")["hour"].to_list() == [3.0, 3.0]


def test_what_is_in_the_lake_is_not_read_again(small):
    write(small.project, "a")
    first = ingest_journal(small.project, small.lake)
    versions = [small.lake.version(table) for table in TABLES]
    assert ingest_journal(small.project, Lake(small.lake.path)) == first
    assert [small.lake.version(table) for table in TABLES] == versions
    write(small.project, "b")
    assert ingest_journal(small.project, small.lake) > first
    assert ids(small.lake) == ["a", "b"]


def test_each_worker_has_a_position_of_its_own(small):
    write(small.project, "a")
    write(small.project, "b", "c", worker=1)
    first, second = ingest_journal(small.project, small.lake)
    assert 0 < first < second
    write(small.project, "d", worker=1)
    assert ingest_journal(small.project, small.lake)[0] == first
    assert ids(small.lake) == ["a", "b", "c", "d"]


def test_an_empty_journal_writes_no_table(small):
    assert ingest_journal(small.project, small.lake) == (0,)
    assert small.lake.tables() == []


def test_a_row_of_the_source_is_added_where_the_lake_has_no_outcome_of_its_request(small):
    small.lake.append("orders", small.orders)
    write(small.project, "answered")
    ingest_journal(small.project, small.lake)
    order = {**REQUEST, "known_at": AT, "late": True, "minutes": None}
    names = [small.orders["order_id"][3], "answered", "new"]
    journal = Journal(worker_path(small.project.journal_path, 0))
    journal.append([encode_frame([FactRecord("orders", {"order_id": name, **order}, AT)]) for name in names])
    journal.close()
    for _ in range(2):
        ingest_journal(small.project, small.lake)
        added = small.lake.read("orders").join(small.orders, on="order_id", how="anti")
        assert added.select("order_id", "received_at").rows() == [("new", AT)]


@pytest.mark.parametrize("failing", TABLES)
def test_a_run_that_fails_between_two_tables_is_repeated_without_doubles(small, monkeypatch, failing: str):
    """The tables before the failure have their rows and their position; the others get theirs the next time."""
    write(small.project, "a", "b")
    append = Lake.append

    def fail(self: Lake, name: str, rows, **options):
        if name == failing:
            raise RuntimeError("killed")
        return append(self, name, rows, **options)

    with monkeypatch.context() as broken:
        broken.setattr(Lake, "append", fail)
        with pytest.raises(RuntimeError, match="killed"):
            ingest_journal(small.project, small.lake)
    assert not small.lake.exists(failing)
    ingest_journal(small.project, small.lake)
    assert {table: small.lake.read(table).height for table in TABLES} == dict.fromkeys(TABLES, 2)


@pytest.mark.parametrize("killed_at", [None, "predictions", "outcomes"])
def test_a_backlog_is_moved_in_pieces_each_once(small, monkeypatch, killed_at):
    monkeypatch.setattr(journal, "_RECORDS_AT_ONCE", 9)  # two frames of six records, as a frame is in one piece
    write(small.project, *"abc")
    write(small.project, *"defg")
    if killed_at:
        append, appends = Lake.append, iter(range(100))

        def fail(self: Lake, name: str, rows, **options):
            if name == killed_at and next(appends) == 2:
                raise RuntimeError("killed")
            return append(self, name, rows, **options)

        with monkeypatch.context() as broken:
            broken.setattr(Lake, "append", fail)
            with pytest.raises(RuntimeError, match="killed"):
                ingest_journal(small.project, small.lake)
        assert ids(small.lake) == [*"abcd"]
    (end,) = ingest_journal(small.project, small.lake)
    assert end == segments_end(small.project.journal_path)
    assert {table: small.lake.read(table).height for table in TABLES} == dict.fromkeys(TABLES, 7)
    assert ids(small.lake) == [*"abcdefg"]
    if not killed_at:
        assert small.lake.version("predictions") == 3
    assert check_log(small.lake).problems == []


def segments_end(path) -> int:
    """The position after the last record of a journal."""
    return max(piece.end for piece in read_pieces(path, 0))
