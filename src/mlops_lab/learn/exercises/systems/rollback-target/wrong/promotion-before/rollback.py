def rollback_target(history):
    promoted = [version for what, version in history if what == "promoted"]
    before = [version for version in promoted if version != promoted[-1]]
    return before[-1] if before else None
