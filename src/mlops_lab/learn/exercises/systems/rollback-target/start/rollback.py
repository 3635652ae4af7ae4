def rollback_target(history):
    """The version to go back to, or None. `history`: pairs (what, version), the oldest first."""
    live = [version for what, version in history if what == "promoted"][-1]
    return live - 1 if live > 1 else None
