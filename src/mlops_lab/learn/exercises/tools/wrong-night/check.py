from datetime import UTC, datetime, timedelta

from mlops_lab.learn.checking import Work, fail

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MINUTE = timedelta(minutes=1)


def check(work: Work) -> None:
    events_of = work.load("nightly.py", "events_of").events_of
    first = datetime(2026, 1, 1, tzinfo=UTC) + DAY * int(work.rng.integers(0, 300))
    late = first + 5 * DAY + 9 * HOUR
    daily = [(first + n * DAY, first + (n + 1) * DAY) for n in range(4)]
    hourly = [(first + n * HOUR, first + (n + 1) * HOUR) for n in range(20, 28)]
    from_six = [(start + 6 * HOUR, end + 6 * HOUR) for start, end in daily]
    schedules = (
        ("wrong-day", "each night, just after midnight", daily, [end for _, end in daily]),
        ("wrong-day", "all at once, after an outage", daily, [late] * len(daily)),
        ("wrong-hours", "each hour", hourly, [end for _, end in hourly]),
        ("wrong-hours", "each day at six", from_six, [end for _, end in from_six]),
    )
    for key, what, intervals, due in schedules:
        times = [time + MINUTE * int(work.rng.integers(1, 50)) for time in due]
        events = _make_events(work, intervals)
        shuffled = [events[place] for place in work.rng.permutation(len(events))]
        taken = {event["id"]: [] for event in events}
        for (start, end), now in zip(intervals, times, strict=True):
            for event in events_of([dict(event) for event in shuffled], start, end, now):
                taken[event["id"]].append((start, end, now))
        for event in events:
            right = [
                (start, end, now)
                for (start, end), now in zip(intervals, times, strict=True)
                if start <= event["at"] < end
            ]
            runs = taken[event["id"]]
            if runs == right:
                continue
            seen = f"the runs happen {what}; the event of {event['at']:%d %b, %H:%M} is in {_tell(runs)}"
            at_edge = right and event["at"] in (right[0][0], *(end for _, end, _ in runs))
            if at_edge and len(runs) != 1:
                key = "in-two-runs" if runs else "in-no-run"
            fail(key, seen=seen, expected=f"in {_tell(right)}")


def _make_events(work: Work, intervals) -> list[dict]:
    """Events all the time, from before the first interval until after the last; the ends are among them only later."""
    start, end = intervals[0][0] - DAY, intervals[-1][1] + DAY
    minutes = int((end - start) / MINUTE)
    times = [start + MINUTE * int(minute) for minute in work.rng.integers(1, minutes, 300)]
    inside = sorted(time for time in times if all(time not in interval for interval in intervals))
    edges = [time for interval in intervals for time in interval]
    return [{"id": number, "at": time} for number, time in enumerate([*inside, *sorted({*edges})])]


def _tell(runs) -> str:
    if not runs:
        return "no run"
    places = [
        f"the run for {start:%d %b, %H:%M} to {end:%d %b, %H:%M} (at {now:%d %b, %H:%M})" for start, end, now in runs
    ]
    return places[0] if len(runs) == 1 else f"{len(runs)} runs, such as {places[0]} and {places[1]}"
