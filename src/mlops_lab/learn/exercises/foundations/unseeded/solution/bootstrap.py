import numpy as np


def interval(values, seed):
    """The 95 % bootstrap interval of the mean: (low, high)."""
    rng = np.random.default_rng(seed)
    means = [rng.choice(values, len(values)).mean() for _ in range(500)]
    return np.quantile(means, 0.025), np.quantile(means, 0.975)
