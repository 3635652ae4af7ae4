def may_promote(candidate, approvals):
    """Backwards: who has been heard already has said something later."""
    heard = {candidate["author"]}
    for approval in reversed(approvals):
        if (approval["version"], approval["digest"]) != (candidate["version"], candidate["digest"]):
            continue
        if approval["by"] not in heard and approval["what"] == "approved":
            return True
        heard.add(approval["by"])
    return False
