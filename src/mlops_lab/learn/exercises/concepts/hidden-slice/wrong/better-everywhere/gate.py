import numpy as np


def may_promote(old_errors, new_errors, groups):
    for group in [np.unique(groups), *np.unique(groups)]:
        differences = (new_errors - old_errors)[np.isin(groups, group)]
        if differences.mean() > -2 * differences.std() / np.sqrt(len(differences)):
            return False
    return True
