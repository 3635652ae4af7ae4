import numpy as np


def split(patients, seed):
    chosen = np.random.default_rng(seed).choice(np.unique(patients))
    in_test = patients == chosen
    return np.flatnonzero(~in_test), np.flatnonzero(in_test)
