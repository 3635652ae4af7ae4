import numpy as np

from mlops_lab.learn.checking import Work, fail

TABLES = 12


def check(work: Work) -> None:
    accuracy = work.load("selection.py", "accuracy").accuracy
    noise = np.mean([accuracy(*_table(work, signal=0.0), seed) for seed in range(TABLES)])
    if noise > 0.57:
        seen = f"on {TABLES} tables of pure noise, an accuracy of {noise:.0%}"
        fail("noise-predicted", seen=seen, expected="about 50 %")
    signal = np.mean([accuracy(*_table(work, signal=1.0), seed) for seed in range(TABLES)])
    if signal < 0.8:
        seen = f"on {TABLES} tables with 10 columns that tell the classes apart, an accuracy of {signal:.0%}"
        fail("signal-missed", seen=seen, expected="more than 80 %: such columns must still be found")
    if noise < 0.43:
        seen = f"on {TABLES} tables of pure noise, an accuracy of {noise:.0%}"
        fail("below-chance", seen=seen, expected="about 50 %, whatever the noise")
    if signal > 1:
        fail("no-accuracy", seen=f"an accuracy of {signal:.2f}", expected="a share of the test rows, at most 1")


def _table(work: Work, *, signal: float):
    y = work.rng.permutation(np.arange(100) % 2)
    x = work.rng.normal(size=(100, 1000))
    columns = work.rng.choice(1000, 10, replace=False)
    x[:, columns] += signal * y[:, None]
    return x, y
