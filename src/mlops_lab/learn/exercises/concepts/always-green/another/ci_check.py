import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import StratifiedKFold


def passes(fit, rows, labels, seed):
    """In five folds, beside a model that knows nothing."""
    gains = []
    for train, test in StratifiedKFold(5, shuffle=True, random_state=seed).split(rows, labels):
        model = fit(rows[train], labels[train])
        nothing = DummyClassifier().fit(rows[train], labels[train]).score(rows[test], labels[test])
        gains.append((model(rows[test]) == labels[test]).mean() - nothing)
    return np.mean(gains) >= 0.05
