import warnings

import numpy as np

from mlops_lab.learn.checking import Work, fail

CLICKS = 200_000


def check(work: Work) -> None:
    warnings.simplefilter("ignore")
    correct = work.load("correcting.py", "correct").correct
    for kept in (0.1, 0.02, 1.0):
        truth = work.rng.beta(0.3, 6, CLICKS)  # the probability of fraud of each click
        fraud = work.rng.random(CLICKS) < truth
        told = truth / (truth + kept * (1 - truth))  # what a perfect model of the sample says
        given = told.copy()
        answer = np.asarray(correct(given, kept), dtype=float)
        if answer.shape != told.shape or not np.isfinite(answer).all() or answer.min() < 0 or answer.max() > 1:
            fail("no-probabilities", seen="answers that are no probabilities", expected="one from 0 to 1 for each")
        for low, high in ((0.0, 0.3), (0.3, 0.7), (0.7, 1.01)):
            some = (told >= low) & (told < high)
            said, happened = answer[some].mean(), fraud[some].mean()
            error = np.sqrt(happened * (1 - happened) / some.sum())
            if abs(said - happened) > 5 * error + 1e-4:
                seen = f"kept = {kept}: of {some.sum():,} clicks, {happened:.2%} were fraud; `correct` said {said:.2%} on average"
                fail(
                    "wrong-level",
                    seen=seen,
                    expected="about the share that was fraud, for low and for high probabilities",
                )
        edge = np.asarray(correct(np.array([0.0, 1.0]), kept), dtype=float)
        if not np.allclose(edge, [0, 1], atol=1e-9):
            fail(
                "not-finite",
                seen=f"the probabilities 0 and 1 became {edge[0]:g} and {edge[1]:g}",
                expected="0 and 1: what is certain stays certain",
            )
