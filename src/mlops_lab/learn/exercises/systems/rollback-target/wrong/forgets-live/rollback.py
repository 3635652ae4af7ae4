def rollback_target(history):
    harmful = {version for what, version in history if what == "rolled back from"}
    promoted = [version for what, version in history if what == "promoted"]
    left = [version for version in promoted[:-1] if version not in harmful]
    return left[-1] if left else None
