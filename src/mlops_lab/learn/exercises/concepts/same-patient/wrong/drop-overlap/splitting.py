import numpy as np


def split(patients, seed):
    order = np.random.default_rng(seed).permutation(len(patients))
    train, test = order[len(patients) // 5 :], order[: len(patients) // 5]
    return train[~np.isin(patients[train], patients[test])], test
