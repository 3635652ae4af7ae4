def rollback_target(history):
    harmful = {version for what, version in history if what == "rolled back from"}
    promoted = [version for what, version in history if what == "promoted"]
    return max({*promoted} - harmful - {promoted[-1]}, default=None)
