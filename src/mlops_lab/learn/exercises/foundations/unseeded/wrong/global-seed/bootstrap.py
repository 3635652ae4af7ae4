import numpy as np


def interval(values, seed):
    np.random.seed(seed)
    means = [np.random.choice(values, len(values)).mean() for _ in range(500)]
    return np.quantile(means, 0.025), np.quantile(means, 0.975)
