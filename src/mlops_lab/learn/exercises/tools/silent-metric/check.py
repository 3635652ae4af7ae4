from itertools import pairwise

from mlops_lab.learn.checking import Work, fail, given


def check(work: Work) -> None:
    should_alert = work.load("alerting.py", "should_alert").should_alert
    base = int(work.rng.integers(1_000, 9_000))
    calm = [(base + 100 * n, base // 50 + n) for n in range(6)]
    bad = [(base + 100 * n, base // 50 + 20 * n) for n in range(6)]
    cases = [
        ("silence-missed", True, "the server has not answered for two minutes", [*calm[:4], None, None]),
        ("silence-missed", True, "the server has not answered at all", [None, None, None]),
        ("silence-missed", True, "the first reading of all, and no answer", [None]),
        ("silence-missed", True, "there is one reading, then silence", [calm[0], None, None, None]),
        ("errors-missed", True, "20 % of the requests are errors", bad),
        (
            "errors-missed",
            True,
            "20 % of the requests are errors, and one reading is missing",
            [*bad[:2], None, *bad[3:]],
        ),
        ("false-alert", False, "1 % of the requests are errors", calm),
        ("false-alert", False, "one reading is missing, at the end", [*calm[:5], None]),
        (
            "false-alert",
            False,
            "the server did not answer earlier, and does now",
            [calm[0], None, None, None, *calm[4:]],
        ),
        ("false-alert", False, "there are no requests", [(base, 3)] * 6),
        ("false-alert", False, "a restart, and 1 % errors", [*calm[:3], (100, 1), (200, 2), (300, 3)]),
        ("restart-missed", True, "a restart, then 20 % errors", [calm[0], calm[1], (100, 20), (300, 60), (500, 100)]),
        (
            "restart-missed",
            True,
            "a restart, more requests than before it, 20 % errors",
            [(90, 1), (100, 1), (50, 9), (150, 29)],
        ),
        ("restart-missed", True, "a restart, and many errors right after it", [(1000, 50), (1100, 51), (400, 45)]),
        (
            "restart-missed",
            True,
            "errors before a restart, calm after it",
            [(base, 10), (base + 1000, 310), (50, 0), (90, 0)],
        ),
    ]
    for key, expected, what, readings in cases:
        with given(f"{what}, {readings}"):
            answer = should_alert(list(readings))
        if bool(answer) != expected:
            total = _count(readings)
            seen = f"{what}: {'no alert' if expected else 'an alert'} for {readings}"
            counted = "nobody can say" if key == "silence-missed" else f"{total[1]} errors of {total[0]} requests"
            fail(key, seen=seen, expected=f"{'an alert' if expected else 'no alert'} ({counted})")


def _count(readings) -> tuple[int, int]:
    seen = [reading for reading in readings if reading is not None]
    steps = [(new if new < old else new - old for old, new in zip(a, b, strict=True)) for a, b in pairwise(seen)]
    totals = [tuple(step) for step in steps]
    return sum(step[0] for step in totals), sum(step[1] for step in totals)
