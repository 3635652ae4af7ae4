import numpy as np

from mlops_lab.learn.checking import Work, fail

ROWS, SMALL = 2000, 100
WEEKS = 40


def check(work: Work) -> None:
    may_promote = work.load("gate.py", "may_promote").may_promote

    def promoted(*, gain: float, harm: float, weeks: int = WEEKS) -> int:
        return sum(bool(may_promote(*_week(work, gain, harm))) for _ in range(weeks))

    alike = promoted(gain=0.0, harm=0.0)
    if alike > 0.2 * WEEKS:
        seen = f"in {WEEKS} weeks in which the two models are alike, the new one was promoted {alike} times"
        fail("luck-promoted", seen=seen, expected="seldom: in about one week of twenty")
    harmed = promoted(gain=0.15, harm=1.0)
    if harmed > 0.1 * WEEKS:
        seen = f"the new model is much worse in a group of {SMALL} of {ROWS} rows, and better in all others: promoted in {harmed} of {WEEKS} weeks"
        fail("group-harmed", seen=seen, expected="never")
    good = promoted(gain=0.15, harm=0.0)
    if good < 0.6 * WEEKS:
        seen = f"the new model is better on average, and in no group worse: promoted in {good} of {WEEKS} weeks"
        clear = promoted(gain=1.0, harm=0.0)
        if clear < 0.6 * WEEKS:
            fail("good-refused", seen=seen, expected="in most weeks: it need not be clearly better in each small group")
        seen += f"; in {clear} of {WEEKS} where it is better by far"
        fail("small-gain-refused", seen=seen, expected="in most weeks: both models were measured on the same rows")


def _week(work: Work, gain: float, harm: float):
    """Errors that both models share (some rows are hard), and what differs between them; one group is small."""
    rng = work.rng
    groups = np.array(["north", "south", "east", "island"])[rng.integers(0, 3, ROWS)]
    groups[rng.choice(ROWS, SMALL, replace=False)] = "island"
    island = groups == "island"
    old = rng.gamma(2.0, 3.0, ROWS)
    new = old + rng.normal(0, 1.2, ROWS) - np.where(island, 0.0, gain) + np.where(island, harm, 0.0)
    return old, new, groups
