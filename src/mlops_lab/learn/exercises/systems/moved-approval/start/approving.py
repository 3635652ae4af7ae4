def may_promote(candidate, approvals):
    """Whether the candidate may go live."""
    return any(
        approval["version"] == candidate["version"] and approval["what"] == "approved"
        for approval in approvals
    )
