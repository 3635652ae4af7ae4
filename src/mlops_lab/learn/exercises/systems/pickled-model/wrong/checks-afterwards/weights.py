import numpy as np


def load_weights(path):
    weights = np.load(path, allow_pickle=True)
    if getattr(weights, "dtype", None) is None or weights.dtype.kind != "f" or not np.isfinite(weights).all():
        raise ValueError("not weights")
    return weights
