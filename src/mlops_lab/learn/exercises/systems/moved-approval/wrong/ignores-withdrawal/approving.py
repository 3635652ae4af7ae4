def may_promote(candidate, approvals):
    return any(
        approval["what"] == "approved"
        and approval["by"] != candidate["author"]
        and (approval["version"], approval["digest"]) == (candidate["version"], candidate["digest"])
        for approval in approvals
    )
