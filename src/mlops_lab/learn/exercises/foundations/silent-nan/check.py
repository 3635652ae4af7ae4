import numpy as np
import pandas as pd

from mlops_lab.learn.checking import Work, fail

ROWS = 1000
LIMIT = 2.0


def check(work: Work) -> None:
    may_publish = work.load("publishing.py", "may_publish").may_publish
    for missing, error, good in (
        (950, 1.0, False),
        (ROWS, 1.0, False),
        (30, 1.0, False),
        (0, 1.0, True),
        (8, 1.0, True),
        (0, 4.0, False),
        (8, 4.0, False),
    ):
        truths = pd.Series(work.rng.normal(100, 20, ROWS))
        predictions = truths + work.rng.choice([-1, 1], ROWS) * work.rng.uniform(0.6, 1.4, ROWS) * error
        predictions.iloc[work.rng.choice(ROWS, missing, replace=False)] = np.nan
        answer = may_publish(predictions.copy(), truths.copy(), LIMIT)
        if bool(answer) == good:
            continue
        told = f"the mean error is {error:.1f}" if missing < ROWS else "there is no error to be measured"
        seen = f"{missing} of {ROWS} predictions are missing, {told}, the limit is {LIMIT}: may_publish says {answer}"
        if good:
            fail(
                "good-refused", seen=seen, expected="True: the error is small, and at most one in a hundred is missing"
            )
        if missing > ROWS / 100:
            fail("few-measured", seen=seen, expected="False: too many predictions are missing")
        fail("bad-published", seen=seen, expected="False: the error is above the limit")
