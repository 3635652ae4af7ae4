def respond(minute, seen, memory):
    is_bad = seen["error_rate"] is None or seen["error_rate"] > 0.10
    memory["bad"] = memory.get("bad", 0) + 1 if is_bad else 0
    if memory["bad"] < 3:
        return "wait"
    if seen["error_rate"] is None:
        return "page"
    if seen["minutes_since_release"] is not None and seen["minutes_since_release"] <= 30:
        return "roll back"
    return "use fallback" if seen["feed_age_minutes"] > 15 else "page"
