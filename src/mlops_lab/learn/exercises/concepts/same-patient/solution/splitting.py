import numpy as np


def split(patients, seed):
    """Two arrays of positions, train and test. `patients` has the patient of each image."""
    names, counts = np.unique(patients, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    chosen = names[order[np.cumsum(counts[order]) <= len(patients) / 5]]
    in_test = np.isin(patients, chosen)
    return np.flatnonzero(~in_test), np.flatnonzero(in_test)
