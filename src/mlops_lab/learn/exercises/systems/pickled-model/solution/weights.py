import numpy as np


def load_weights(path):
    """The weights in an .npy file: an array of finite floating-point numbers."""
    try:
        weights = np.load(path, allow_pickle=False)
    except EOFError as error:
        raise ValueError(f"{path} is empty") from error
    if not isinstance(weights, np.ndarray):
        raise ValueError(f"{path} holds no array, but a zip of arrays")
    if not np.issubdtype(weights.dtype, np.floating) or not np.isfinite(weights).all():
        raise ValueError(f"{path} holds no finite floating-point numbers")
    return weights
