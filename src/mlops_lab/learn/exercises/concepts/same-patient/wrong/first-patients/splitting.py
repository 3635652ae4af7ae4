import numpy as np


def split(patients, seed):
    names, counts = np.unique(patients, return_counts=True)
    chosen = names[np.cumsum(counts) <= len(patients) / 5]
    in_test = np.isin(patients, chosen)
    return np.flatnonzero(~in_test), np.flatnonzero(in_test)
