from mlops_lab.learn.checking import Work, fail


def check(work: Work) -> None:
    trips_at = work.load("features.py", "trips_at").trips_at
    cases = [
        ("D-1", 900, 48, _write(work, [("D-1", 24 * day, 1) for day in range(9)])),  # who has left
        ("D-1", 110, 48, _write(work, [("D-1", 96, 1), ("D-1", 72, 30)])),  # an older day, computed again
        ("D-1", 110, 48, _write(work, [("D-1", 96, 1), ("D-1", 96, 9)])),
        ("D-2", 110, 48, _write(work, [("D-1", 96, 1)])),
        *(_make_case(work) for _ in range(60)),
    ]
    for driver, at, ttl, known in cases:
        answer = trips_at(list(known), driver, at, ttl)
        fresh = [row for row in known if row[0] == driver and at - ttl <= row[1] <= at]
        right = max(fresh, key=lambda row: row[1:3], default=None)
        if answer == (right and right[3]):
            continue
        asked = f"{driver} at {at}, with a ttl of {ttl}"
        taken = next((row for row in known if row[0] == driver and row[3] == answer), None)
        if taken is None:
            fail("no-such-row", seen=f"{asked}: the answer {answer!r}", expected=_show(right))
        seen = f"{asked}: {answer}, which is of {_show(taken)}"
        if taken[1] > at:
            fail("from-the-future", seen=seen, expected=f"an event not after {at}: {_show(right)}")
        if taken[1] < at - ttl:
            fail("too-old", seen=seen, expected=f"an event not before {at - ttl}: {_show(right)}")
        if taken[1] < right[1]:
            fail("not-the-latest", seen=seen, expected=f"the latest event: {_show(right)}")
        fail("not-corrected", seen=seen, expected=f"of the same event, what was created last: {_show(right)}")


def _make_case(work: Work) -> tuple[str, int, int, list[tuple[str, int, int, int]]]:
    """A month of rows: one a day, written an hour later; many days again, later; each driver leaves on a day."""
    rng = work.rng
    days = [(f"D-{number}", 24 * day) for number in range(1, 4) for day in range(int(rng.integers(4, 30)))]
    again = rng.choice(len(days), len(days) // 2, replace=False)
    delays = [int(delay) for delay in rng.choice([3, 6, 10, 26, 30, 34, 60], len(again))]
    rows = _write(
        work, [(*day, 1) for day in days] + [(*days[i], delay) for i, delay in zip(again, delays, strict=True)]
    )
    at = 24 * int(rng.integers(4, 30)) + 12
    # what was written after `at` is left out: that nobody could see it is another question
    known = [row for row in rows if row[2] <= at or row[1] > at]
    return f"D-{rng.integers(1, 4)}", at, int(rng.choice([24, 48, 72])), known


def _write(work: Work, rows: list[tuple[str, int, int]]) -> list[tuple[str, int, int, int]]:
    """Rows in the order in which they are written, `delay` hours after the event. No two have the same number of trips."""
    written = sorted(((driver, event, event + delay) for driver, event, delay in rows), key=lambda row: row[2])
    trips = work.rng.permutation(range(5, 5 + len(written)))
    return [(*row, int(number)) for row, number in zip(written, trips, strict=True)]


def _show(row) -> str:
    return "None" if row is None else "(driver {}, event {}, created {}, trips {})".format(*row)
