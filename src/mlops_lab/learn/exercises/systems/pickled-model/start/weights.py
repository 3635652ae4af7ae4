import numpy as np


def load_weights(path):
    """The weights in an .npy file: an array of finite floating-point numbers."""
    return np.load(path, allow_pickle=True)
