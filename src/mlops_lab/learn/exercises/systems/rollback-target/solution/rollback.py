def rollback_target(history):
    """The version to go back to, or None. `history`: pairs (what, version), the oldest first."""
    harmful = {version for what, version in history if what == "rolled back from"}
    promoted = [version for what, version in history if what == "promoted"]
    excluded = {*harmful, promoted[-1]}
    return next((version for version in reversed(promoted) if version not in excluded), None)
