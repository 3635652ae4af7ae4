import numpy as np


def margin(differences):
    return 2 * differences.std(ddof=1) / np.sqrt(len(differences))


def may_promote(old_errors, new_errors, groups):
    """Whether the new model may replace the old one."""
    differences = new_errors - old_errors
    parts = [differences[groups == group] for group in np.unique(groups)]
    harmed = any(part.mean() > margin(part) for part in parts)
    return bool(differences.mean() < -margin(differences) and not harmed)
