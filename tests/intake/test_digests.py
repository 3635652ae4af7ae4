"""Digests of the log are written once for each record, whatever was written before a kill."""

import polars as pl
import pytest
from one_of_each import ids, write

from mlops_lab.intake import journal
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.journal.epochs import read_epochs
from mlops_lab.journal.workers import worker_paths
from mlops_lab.lake import Lake
from mlops_lab.monitoring.log_check import check_log
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
@pytest.mark.parametrize("failing", ["log_digests", "outcomes", "shadows", "predictions"])
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
