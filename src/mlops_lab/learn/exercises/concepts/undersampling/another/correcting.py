import numpy as np


def correct(probability, kept):
    """The probability of fraud among all clicks: in log odds, dropping rows is a shift."""
    with np.errstate(divide="ignore", over="ignore"):
        log_odds = np.log(probability) - np.log1p(-probability) + np.log(kept)
        return 1 / (1 + np.exp(-log_odds))
