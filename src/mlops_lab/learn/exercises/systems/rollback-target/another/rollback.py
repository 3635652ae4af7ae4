def rollback_target(history):
    """Keeps the list of versions that could answer, the latest last."""
    good, harmful = [], set()
    for what, version in history:
        if what == "rolled back from":
            harmful.add(version)
        elif what == "promoted":
            good = [*(other for other in good if other != version), version]
    left = [version for version in good[:-1] if version not in harmful]
    return left[-1] if left else None
