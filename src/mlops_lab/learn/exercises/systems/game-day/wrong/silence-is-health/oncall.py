def respond(minute, seen, memory):
    is_bad = (seen["error_rate"] or 0) > 0.10
    memory["bad"] = memory.get("bad", 0) + 1 if is_bad else 0
    memory["good"] = 0 if is_bad else memory.get("good", 0) + 1
    if memory["good"] >= 3:
        memory["answered"] = False
    if memory["bad"] < 3 or memory.get("answered"):
        return "wait"
    memory["answered"] = True
    if seen["minutes_since_release"] is not None and seen["minutes_since_release"] <= 30:
        return "roll back"
    return "use fallback" if seen["feed_age_minutes"] > 15 else "page"
