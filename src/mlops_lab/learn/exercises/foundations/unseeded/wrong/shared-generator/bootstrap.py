import numpy as np

rng = np.random.default_rng(7)


def interval(values, seed):
    means = [rng.choice(values, len(values)).mean() for _ in range(500)]
    return np.quantile(means, 0.025), np.quantile(means, 0.975)
