import numpy as np


def split(patients, seed):
    """Two arrays of positions, train and test. `patients` has the patient of each image."""
    order = np.random.default_rng(seed).permutation(len(patients))
    return order[len(patients) // 5 :], order[: len(patients) // 5]
