import numpy as np


def may_promote(old_errors, new_errors, groups):
    differences = new_errors - old_errors
    for group in np.unique(groups):
        part = differences[groups == group]
        if part.mean() > 2 * part.std() / np.sqrt(len(part)):
            return False
    return differences.mean() < 0
