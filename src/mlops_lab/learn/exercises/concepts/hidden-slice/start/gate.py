def may_promote(old_errors, new_errors, groups):
    """Whether the new model may replace the old one."""
    return new_errors.mean() < old_errors.mean()
