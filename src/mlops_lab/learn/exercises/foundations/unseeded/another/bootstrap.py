import random
import statistics


def interval(values, seed):
    """The 95 % bootstrap interval of the mean: (low, high)."""
    own, values = random.Random(seed), list(values)
    means = sorted(statistics.fmean(own.choices(values, k=len(values))) for _ in range(500))
    return means[12], means[487]
