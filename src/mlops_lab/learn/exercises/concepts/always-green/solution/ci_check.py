import numpy as np


def passes(fit, rows, labels, seed):
    """Whether the training code makes a good model."""
    order = np.random.default_rng(seed).permutation(len(rows))
    test, train = order[: len(rows) // 3], order[len(rows) // 3 :]
    model = fit(rows[train], labels[train])
    accuracy = (model(rows[test]) == labels[test]).mean()
    baseline = max(labels[test].mean(), 1 - labels[test].mean())
    return bool(accuracy >= baseline + 0.05)
