"""The requests of each day, whoever counted them, and whoever was killed."""

from pathlib import Path

from mlops_lab.serving.answering.counts import WorkerCounts, counts_path, keep_counts, read_counts
from mlops_lab.serving.answering.request_days import KEPT_DAYS, note_day, read_day

ROUTE, ROUTES = "/v1/predict", {"/v1/predict", "/invocations"}


def answer(counts: WorkerCounts, number: int, *, status: int = 200, route: str = ROUTE) -> None:
    for _ in range(number):
        counts.note_request(route, status, seconds=0.25, reason=None)


def publish(folder: Path, counts: WorkerCounts, day: str, *, worker: int = 0) -> None:
    note_day(counts, day, routes=ROUTES)
    keep_counts(counts_path(folder, worker), counts)


def test_each_day_has_its_own_requests(tmp_path: Path):
    first, second = WorkerCounts(), WorkerCounts()
    answer(first, 3)
    answer(first, 2, status=500)
    answer(first, 7, route="/healthz")
    publish(tmp_path, first, "2026-03-01")
    answer(first, 1, status=400)  # after the last time that the day before was published
    publish(tmp_path, first, "2026-03-02")
    answer(first, 4, route="/invocations")
    publish(tmp_path, first, "2026-03-02")
    answer(second, 10, status=503)
    publish(tmp_path, second, "2026-03-02", worker=1)
    before, day = read_day(tmp_path, "2026-03-01"), read_day(tmp_path, "2026-03-02")
    assert before is not None
    assert (sum(before.buckets), before.failed, before.rejected, before.seconds) == (6, 2, 1, 1.5)
    assert day is not None
    assert (sum(day.buckets), day.failed, day.rejected, day.seconds) == (14, 10, 0, 3.5)
    assert day.buckets[8] == 14, "up to 0.25 s"


def test_a_worker_that_is_started_again_later_goes_on(tmp_path: Path):
    counts = WorkerCounts()
    answer(counts, 5)
    publish(tmp_path, counts, "2026-03-01")
    again = read_counts(counts_path(tmp_path, 0))
    publish(tmp_path, again, "2026-03-04")
    answer(again, 2)
    publish(tmp_path, again, "2026-03-04")
    days = [read_day(tmp_path, f"2026-03-0{day}") for day in (1, 2, 3, 4, 5)]
    assert [None if day is None else sum(day.buckets) for day in days] == [5, None, None, 2, None]


def test_many_days_are_kept_and_their_space_is_bounded(tmp_path: Path):
    counts = WorkerCounts()
    for day in range(200):
        publish(tmp_path, counts, f"{2026 + day // 300}-{day:04}")
        answer(counts, 1)
    assert len(counts.day_ends) == KEPT_DAYS
    oldest = min(counts.day_ends)
    found = read_day(tmp_path, sorted(counts.day_ends)[1])
    assert found is not None
    assert sum(found.buckets) == 1
    assert read_day(tmp_path, oldest) is None, "how many there were before it is not known any more"
    assert read_day(tmp_path, "2026-0000") is None


def test_where_the_clock_was_set_back_days_ahead_are_forgotten(tmp_path: Path):
    counts = WorkerCounts()
    for day in ("2026-03-01", "2026-03-09", "2026-03-02", "2026-03-03"):
        publish(tmp_path, counts, day)
        answer(counts, 1)
    publish(tmp_path, counts, "2026-03-03")
    found = [read_day(tmp_path, f"2026-03-0{day}") for day in (1, 2, 3, 9)]
    assert [None if day is None else sum(day.buckets) for day in found] == [1, 2, 1, None]


def test_a_damaged_file_and_one_of_an_older_release_tell_nothing(tmp_path: Path):
    assert read_day(tmp_path, "2026-03-01") is None
    keep_counts(counts_path(tmp_path, 0), WorkerCounts(generation=3))
    counts_path(tmp_path, 1).write_bytes(b"\x00" * 100)
    assert read_day(tmp_path, "2026-03-01") is None
