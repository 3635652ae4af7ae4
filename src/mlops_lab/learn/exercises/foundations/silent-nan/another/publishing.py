import numpy as np


def may_publish(predictions, truths, limit):
    """Each of the few that are missing counts as an error of the size of the limit."""
    errors = np.abs(np.asarray(predictions, dtype=float) - np.asarray(truths, dtype=float))
    missing = np.isnan(errors)
    if missing.sum() * 100 > len(errors):
        return False
    return errors[~missing].sum() / (~missing).sum() <= limit
