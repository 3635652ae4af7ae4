from math import sqrt

from statistics import NormalDist


def decide(day, days, bought_a, bought_b, users):
    """As soon as it is sure enough for so many looks; otherwise A, on the last day."""
    both = (bought_a + bought_b) / (2 * users)
    z = (bought_b - bought_a) / users / sqrt(2 * both * (1 - both) / users) if 0 < both < 1 else 0
    if z > NormalDist().inv_cdf(1 - 0.05 / 2 / days):
        return "B"
    return "A" if day == days else None
