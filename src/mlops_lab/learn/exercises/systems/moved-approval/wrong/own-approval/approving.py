def may_promote(candidate, approvals):
    last = {}
    for approval in approvals:
        if approval["version"] == candidate["version"] and approval["digest"] == candidate["digest"]:
            last[approval["by"]] = approval["what"]
    return "approved" in last.values()
