from mlops_lab.learn.checking import Work, fail

TESTS = 1500
DAYS = 20
USERS = 200  # a day, in each group


def check(work: Work) -> None:
    decide = work.load("deciding.py", "decide").decide
    alike = _share_of_winners(work, decide, rate_b=0.10)
    if alike > 0.065:  # 0.05, and 2.6 standard errors of a share of 1,500
        seen = f"A and B alike, {TESTS:,} tests of {DAYS} days: {alike:.1%} ended with B"
        fail("false-winners", seen=seen, expected="at most 5 %, by chance")
    better = _share_of_winners(work, decide, rate_b=0.14)
    if better < 0.7:
        seen = f"10 % buy with A, 14 % with B, {TESTS:,} tests: {better:.1%} ended with B"
        fail("no-winners", seen=seen, expected="most of them")


def _share_of_winners(work: Work, decide, *, rate_b: float) -> float:
    bought_a = work.rng.binomial(USERS, 0.10, (TESTS, DAYS)).cumsum(axis=1).tolist()
    bought_b = work.rng.binomial(USERS, rate_b, (TESTS, DAYS)).cumsum(axis=1).tolist()
    winners = 0
    for a, b in zip(bought_a, bought_b, strict=True):
        for day in range(1, DAYS + 1):
            answer = decide(day, DAYS, a[day - 1], b[day - 1], USERS * day)
            if answer not in ("A", "B", None):
                fail("no-decision", seen=f"the answer {answer!r}", expected='"A", "B" or None')
            if answer is not None:
                break
        winners += answer == "B"
    return winners / TESTS
