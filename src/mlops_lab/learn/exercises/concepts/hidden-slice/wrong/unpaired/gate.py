import numpy as np


def may_promote(old_errors, new_errors, groups):
    for group in np.unique(groups):
        old, new = old_errors[groups == group], new_errors[groups == group]
        if new.mean() - old.mean() > 2 * np.sqrt(old.var() / len(old) + new.var() / len(new)):
            return False
    error = np.sqrt(old_errors.var() / len(old_errors) + new_errors.var() / len(new_errors))
    return new_errors.mean() - old_errors.mean() < -2 * error
