import numpy as np


def may_publish(predictions, truths, limit):
    errors = (predictions - truths).abs()
    if (predictions == np.nan).mean() > 0.01:
        return False
    return errors.mean() <= limit
