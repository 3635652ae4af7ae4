from mlops_lab.learn.checking import Work, fail


def check(work: Work) -> None:
    rate_by_day = work.load("rates.py", "rate_by_day").rate_by_day
    for window in (7, 3):
        now = int(work.rng.integers(30, 50))
        visits = []
        for day in range(now):
            for _ in range(30):
                delay = int(work.rng.geometric(0.25)) - 1 if work.rng.random() < 0.5 else None
                known = delay is not None and day + delay < now
                visits.append((day, day + delay if known else None))
        rates = dict(rate_by_day(visits, now, window))
        last = now - window - 1
        if unripe := sorted(day for day in rates if day > last):
            seen = f"on day {now}, with a window of {window} days, the answer has a rate for day {unripe[0]}"
            fail("unripe-day", seen=seen, expected="only days whose visitors can no longer buy within the window")
        if missing := sorted(set(range(last + 1)) - set(rates)):
            seen = f"on day {now}, with a window of {window} days, day {missing[-1]} has no rate"
            fail("day-missing", seen=seen, expected="a rate for each day that is final")
        for day in range(last + 1):
            right = [bought is not None and bought - day <= window for on, bought in visits if on == day]
            if abs(rates[day] - sum(right) / len(right)) > 1e-9:
                seen = f"day {day}: a rate of {rates[day]:.3f}"
                expected = (
                    f"{sum(right)} of {len(right)} visitors bought within {window} days: {sum(right) / len(right):.3f}"
                )
                fail("wrong-rate", seen=seen, expected=expected)
