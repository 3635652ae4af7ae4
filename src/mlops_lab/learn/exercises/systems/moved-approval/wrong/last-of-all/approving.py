def may_promote(candidate, approvals):
    fitting = [
        approval
        for approval in approvals
        if approval["by"] != candidate["author"]
        and (approval["version"], approval["digest"]) == (candidate["version"], candidate["digest"])
    ]
    return bool(fitting) and fitting[-1]["what"] == "approved"
