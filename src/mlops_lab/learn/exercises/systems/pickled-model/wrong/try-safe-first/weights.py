import numpy as np


def load_weights(path):
    try:
        return np.load(path, allow_pickle=False)
    except ValueError:
        return np.load(path, allow_pickle=True)  # old files
