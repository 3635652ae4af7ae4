import numpy as np

from mlops_lab.learn.checking import Work, fail

ROWS = 3000


def check(work: Work) -> None:
    passes = work.load("ci_check.py", "passes").passes
    for share, seed in ((0.5, 1), (0.15, 2), (0.3, 3)):
        rows, labels = _table(work, share)
        told = f"{ROWS} rows, {labels.mean():.0%} of them are 1"
        if passes(_zero, rows.copy(), labels.copy(), seed):
            fail("constant-passed", seen=f"{told}: True for a model that always says 0", expected="False")
        if passes(_remember, rows.copy(), labels.copy(), seed):
            seen = f"{told}: True for a model that has each training row by heart, and guesses for all others"
            fail("memory-passed", seen=seen, expected="False")
        if not passes(_learn, rows.copy(), labels.copy(), seed):
            seen = f"{told}: False for a model that is right in about {_accuracy(rows, labels):.0%} of new rows"
            fail("good-stopped", seen=seen, expected="True")
        if passes(_learn, rows.copy(), work.rng.permutation(labels), seed):
            fail("noise-passed", seen=f"{told}, the labels shuffled: True for a model of noise", expected="False")


def _table(work: Work, share: float):
    """Two kinds of rows, the one in the first half of the table, the other in the second."""
    rng = work.rng
    labels = (rng.random(ROWS) < share).astype(int)
    rows = rng.normal(size=(ROWS, 4))
    second = np.arange(ROWS) >= ROWS // 2
    rows[:, 0] += 3.2 * labels * ~second
    rows[:, 1] += 3.2 * labels * second
    rows[:, 3] = second
    return rows, labels


def _remember(rows, labels):
    known = {row.tobytes(): label for row, label in zip(rows, labels, strict=True)}
    most = int(labels.mean() > 0.5)
    return lambda asked: np.array([known.get(row.tobytes(), most) for row in asked])


def _zero(*_):
    return lambda asked: np.zeros(len(asked), dtype=int)


def _learn(rows, labels):
    """For each kind of row the line between the two classes."""
    cuts, most = {}, int(labels.mean() > 0.5)
    for kind in (0, 1):
        some = rows[:, 3] == kind
        if some.sum() > 20:
            values, best = rows[some][:, kind], np.quantile(rows[some][:, kind], np.linspace(0.02, 0.98, 60))
            cuts[kind] = max(best, key=lambda cut, v=values, s=some: ((v > cut) == labels[s]).mean())

    def answer(asked):
        found = np.full(len(asked), most)
        for kind, cut in cuts.items():
            found = np.where(asked[:, 3] == kind, asked[:, kind] > cut, found)
        return found.astype(int)

    return answer


def _accuracy(rows, labels) -> float:
    train = np.arange(len(rows)) % 2 == 0
    return float((_learn(rows[train], labels[train])(rows[~train]) == labels[~train]).mean())
