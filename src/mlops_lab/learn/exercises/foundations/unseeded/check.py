import numpy as np

from mlops_lab.learn.checking import Work, fail


def check(work: Work) -> None:
    interval = work.load("bootstrap.py", "interval").interval
    values = work.rng.normal(10, 2, 200)
    first, again = tuple(interval(values, 7)), tuple(interval(values, 7))
    if first != again:
        fail(
            "not-repeatable",
            seen=f"the same values and seed gave {_show(first)}, then {_show(again)}",
            expected="the same interval twice",
        )
    others = {tuple(interval(values, seed)) for seed in range(4)}
    if len(others) == 1:
        fail(
            "seed-ignored", seen="seeds 0 to 3 gave one and the same interval", expected="another draw for another seed"
        )
    np.random.seed(1)
    expected = np.random.random()
    np.random.seed(1)
    interval(values, 7)
    if np.random.random() != expected:
        seen = (
            "after a call of interval, np.random.random() in another module gave another number than without the call"
        )
        fail("global-state", seen=seen, expected="a function that leaves the random numbers of others alone")
    error = values.std() / np.sqrt(len(values))
    low, high = first
    if not 2.5 * error < high - low < 5.5 * error or not low < values.mean() < high:
        seen = f"the interval {_show(first)} for values with the mean {values.mean():.2f}, standard error {error:.2f}"
        fail("no-interval", seen=seen, expected="about the mean ± 2 standard errors")


def _show(pair: tuple[float, float]) -> str:
    return f"({pair[0]:.4f}, {pair[1]:.4f})"
