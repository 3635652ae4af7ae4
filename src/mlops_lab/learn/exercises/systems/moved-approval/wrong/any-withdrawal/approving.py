def may_promote(candidate, approvals):
    said = {
        approval["what"]
        for approval in approvals
        if approval["by"] != candidate["author"]
        and (approval["version"], approval["digest"]) == (candidate["version"], candidate["digest"])
    }
    return said == {"approved"}
