import sqlite3

from mlops_lab.learn.checking import Work, fail


class Failure(Exception):
    """The source of the rows breaks off."""


def check(work: Work) -> None:
    load_day = work.load("loading.py", "load_day").load_day
    file = work.scratch / "sales.db"
    with sqlite3.connect(file) as setup:
        setup.execute("create table sales(day text, shop text, sales integer)")

    def rows_of(day: str) -> list:
        with sqlite3.connect(file) as reader:
            return sorted(reader.execute("select shop, sales from sales where day = ?", (day,)).fetchall())

    def run(day: str, rows, fail_after: int | None = None) -> None:
        def source():
            for place, row in enumerate(rows):
                if place == fail_after:
                    raise Failure
                yield row

        connection = sqlite3.connect(file)
        try:
            load_day(connection, day, source())
        except Failure:
            if fail_after is None:
                raise
        finally:
            connection.close()  # what was not committed is gone, as when the process ends

    shops = [f"S-{number}" for number in range(6)]
    first, second, corrected = (
        sorted(zip(shops, map(int, work.rng.integers(1, 99, 6)), strict=True)) for _ in range(3)
    )
    run("monday", first)
    if rows_of("monday") != first:
        fail("rows-lost", seen=f"after a run without a failure: {len(rows_of('monday'))} of 6 rows", expected="6 rows")
    run("monday", first)
    if len(rows_of("monday")) > 6:
        seen = f"the task ran twice: {len(rows_of('monday'))} rows"
        fail("rows-twice", seen=seen, expected="the 6 rows of the day")
    run("tuesday", second, fail_after=3)
    if half := rows_of("tuesday"):
        fail("half-a-day", seen=f"a failure at the fourth row left {len(half)} rows", expected="all rows, or none")
    run("tuesday", second)
    if rows_of("monday") != first:
        fail(
            "other-day-changed", seen="loading tuesday changed monday", expected="only rows of the day itself to change"
        )
    run("monday", corrected, fail_after=3)
    if rows_of("monday") != first:
        seen = f"a second run failed at the fourth row: of the day that was loaded before, {len(rows_of('monday'))} rows are left"
        fail("day-lost", seen=seen, expected="the 6 rows from before")
    run("monday", corrected[1:])
    if rows_of("monday") != corrected[1:]:
        seen = "corrected rows came in a later run; the day has still the old ones"
        fail("correction-ignored", seen=seen, expected="the corrected rows, and no others")
    if rows_of("tuesday") != second:
        fail(
            "other-day-changed", seen="loading monday changed tuesday", expected="only rows of the day itself to change"
        )
