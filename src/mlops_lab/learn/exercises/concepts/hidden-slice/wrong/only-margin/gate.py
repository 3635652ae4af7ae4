import numpy as np


def may_promote(old_errors, new_errors, groups):
    differences = new_errors - old_errors
    return differences.mean() < -2 * differences.std() / np.sqrt(len(differences))
