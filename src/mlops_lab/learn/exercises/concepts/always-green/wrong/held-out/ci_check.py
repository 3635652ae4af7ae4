import numpy as np


def passes(fit, rows, labels, seed):
    order = np.random.default_rng(seed).permutation(len(rows))
    test, train = order[: len(rows) // 3], order[len(rows) // 3 :]
    model = fit(rows[train], labels[train])
    return (model(rows[test]) == labels[test]).mean() > 0.7
