import numpy as np


def interval(values, seed):
    rng = np.random.default_rng(42)
    means = [rng.choice(values, len(values)).mean() for _ in range(500)]
    return np.quantile(means, 0.025), np.quantile(means, 0.975)
