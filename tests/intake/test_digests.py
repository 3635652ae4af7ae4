"""Digests of the log are written once for each record, whatever was written before a kill."""

import os
from datetime import timedelta

import polars as pl
import pytest
from one_of_each import ids, records_of, write
from slow import mostly_slow

from mlops_lab.intake import digests, journal
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.journal.epochs import read_epochs
from mlops_lab.journal.records import encode_frame
from mlops_lab.journal.workers import worker_path, worker_paths
from mlops_lab.journal.writer import Journal
from mlops_lab.lake import Lake
from mlops_lab.monitoring.log_check import LogReport, check_log
from mlops_lab.schemas.digest import add_digests
from mlops_lab.tables.declared import LOG_DIGESTS, OUTCOMES, PREDICTIONS


def rows_by_writer(lake: Lake) -> dict[tuple[str, str], int]:
    """By table and writer, the number of rows that have digests."""
    counts = LOG_DIGESTS.read(lake).filter(pl.col("column") == "id").group_by("table", "writer")
    return {(table, writer): rows for table, writer, rows in counts.agg(pl.col("values").sum()).iter_rows()}


def kill_at(monkeypatch, lake: Lake, project, table: str) -> None:
    """An intake that ends when it is about to append to a table."""
    append = Lake.append

    def fail(self: Lake, name: str, rows, **options):
        if name == table:
            raise RuntimeError("killed")
        return append(self, name, rows, **options)

    with monkeypatch.context() as broken:
        broken.setattr(Lake, "append", fail)
        with pytest.raises(RuntimeError, match="killed"):
            ingest_journal(project, lake)


def test_rows_that_are_older_than_the_digests_get_theirs_once(small):
    write(small.project, "a", "b")
    ingest_journal(small.project, small.lake)
    assert rows_by_writer(small.lake) == {("predictions", "before"): 2, ("outcomes", "before"): 2}
    version = small.lake.version("log_digests")
    ingest_journal(small.project, small.lake)
    assert small.lake.version("log_digests") == version


def test_ranges_follow_each_other(small):
    write(small.project, "a")
    (start,) = ingest_journal(small.project, small.lake)
    write(small.project, "b", "c")
    (middle,) = ingest_journal(small.project, small.lake)
    write(small.project, "d")
    (end,) = ingest_journal(small.project, small.lake)
    ranges = LOG_DIGESTS.read(small.lake).select("writer", "first", "last").unique().sort("last").rows()
    second, third = (f"journal@{epoch.id}" for epoch in read_epochs(small.project.journal_path)[1:])
    assert ranges == [("before", 0, 0), (second, start, middle), (third, middle, end)]
    assert rows_by_writer(small.lake)["predictions", second] == 2
    assert check_log(small.lake).problems == []
    assert check_log(small.lake).rows == 8


def test_each_worker_has_ranges_of_its_own(small):
    write(small.project, "a")
    ingest_journal(small.project, small.lake)
    write(small.project, "b")
    write(small.project, "c", "d", worker=1)
    ingest_journal(small.project, small.lake)
    last = [read_epochs(path)[-1].id for path in worker_paths(small.project.journal_path)]
    assert rows_by_writer(small.lake)["outcomes", f"journal@{last[0]}"] == 1
    assert rows_by_writer(small.lake)["outcomes", f"journal-1@{last[1]}"] == 2
    assert check_log(small.lake).problems == []


@pytest.mark.parametrize("more", [(), ("d",)], ids=["nothing more", "more records"])
@pytest.mark.parametrize(
    "failing", mostly_slow(["log_digests", "outcomes", "shadows", "predictions"], quick=["log_digests", "outcomes"])
)
@pytest.mark.parametrize("digests_exist", [True, False])
def test_a_killed_intake_leaves_no_problem_behind(small, monkeypatch, failing, more, digests_exist):
    write(small.project, "a")
    if digests_exist:
        ingest_journal(small.project, small.lake)
    write(small.project, "b", "c")
    kill_at(monkeypatch, small.lake, small.project, failing)
    assert check_log(Lake(small.lake.path)).problems == [], "before the intake is repeated"
    if more:
        write(small.project, *more)
    ingest_journal(small.project, Lake(small.lake.path))
    assert ids(small.lake) == sorted(["a", "b", "c", *more])
    report = check_log(small.lake)
    assert report.problems == []
    assert report.rows == 2 * (3 + len(more))


def test_an_old_table_without_its_columns_gets_no_digests_and_no_crash(small, monkeypatch):
    write(small.project, "a")
    monkeypatch.setattr(journal, "digest_existing", lambda lake, also: None)
    ingest_journal(small.project, small.lake)
    monkeypatch.undo()
    table = small.lake.table_path(PREDICTIONS.name)
    pl.read_delta(str(table)).drop("id").write_delta(
        str(table), mode="overwrite", delta_write_options={"schema_mode": "overwrite"}
    )
    ingest_journal(small.project, Lake(small.lake.path))
    assert rows_by_writer(small.lake) == {(OUTCOMES.name, "before"): 1}


def merge(small, settled_after: timedelta = timedelta(0)) -> bool:
    return digests.merge_digests(small.lake, settled_after=settled_after)


@pytest.fixture
def add(small):
    """Writes frames with these names to a journal that stays open: all are of one writer."""
    journal = Journal(worker_path(small.project.journal_path, 0))

    def add(*names: str) -> None:
        journal.append([encode_frame(records_of(name)) for name in names])
        journal.sync()

    yield add
    journal.close()


@pytest.fixture
def many(small, add, monkeypatch):
    """A project of some intakes, of which digests are merged however few there are."""
    monkeypatch.setattr(digests, "_MOST_UNMERGED", 0)
    for name in "abcdef":
        add(name)
        ingest_journal(small.project, small.lake)
    return small


def test_digests_of_one_hour_are_put_together_and_say_the_same(many, add):
    before, counts = LOG_DIGESTS.read(many.lake), rows_by_writer(many.lake)
    epochs = {writer: many.lake.position("log_digests", writer) for writer in before["writer"].unique()}
    assert merge(many)
    after = LOG_DIGESTS.read(many.lake)
    assert after.height < before.height
    assert after.select("writer", "hour", "table", "column").is_unique().all()
    assert add_digests(after).equals(add_digests(before))
    assert rows_by_writer(many.lake) == counts
    assert {writer: many.lake.position("log_digests", writer) for writer in epochs} == epochs
    assert check_log(many.lake) == LogReport(rows=12, problems=[])
    add("g")
    ingest_journal(many.project, many.lake)
    assert check_log(many.lake) == LogReport(rows=14, problems=[])
    lost = PREDICTIONS.read(many.lake).filter(pl.col("id") != "c")
    many.lake.rewrite("predictions", lambda _: lost)
    (problem,) = check_log(many.lake).problems
    assert (problem.what, problem.rows) == ("rows missing: 1", 1)


def test_ranges_that_were_reached_a_moment_ago_stay_as_they_are(many):
    before = LOG_DIGESTS.read(many.lake)
    assert not merge(many, timedelta(hours=1))
    log = many.lake.table_path("predictions") / "_delta_log"
    for version in range(3):
        os.utime(log / f"{version:020d}.json", (0, 0))
    assert merge(many, timedelta(hours=1))
    after = LOG_DIGESTS.read(many.lake)
    assert add_digests(after).equals(add_digests(before))
    last = before.select("first", "last").unique().sort("last").tail(3)
    assert (
        after.join(last, on=["first", "last"], how="semi").height
        == before.join(last, on=["first", "last"], how="semi").height
    )


def test_they_are_put_together_again_only_when_there_are_twice_as_many(many, add):
    assert merge(many)
    assert not merge(many)
    version = many.lake.version("log_digests")
    add("g")
    ingest_journal(many.project, many.lake)
    assert not merge(many)
    assert many.lake.version("log_digests") == version + 1


@pytest.mark.parametrize("reached", [True, False])
def test_an_intake_that_was_killed_after_writing_digests_loses_nothing_by_it(many, add, monkeypatch, reached):
    add("g")
    kill_at(monkeypatch, many.lake, many.project, "predictions" if reached else "outcomes")
    assert merge(many)
    assert check_log(many.lake).problems == []
    ingest_journal(many.project, many.lake)
    assert check_log(many.lake) == LogReport(rows=14, problems=[])
