def respond(minute, seen, memory):
    """Keeps the last three minutes, and answers one minute later than it could."""
    rate = seen["error_rate"]
    last = memory["last"] = [*memory.get("last", []), rate is None or rate > 0.10][-4:]
    if not any(last[-3:]):
        memory["open"] = False
    if len(last) < 4 or not all(last) or memory.get("open"):
        return "wait"
    memory["open"] = True
    if rate is not None and (seen["minutes_since_release"] or 0) <= 30 and seen["minutes_since_release"] is not None:
        return "roll back"
    if rate is not None and seen["feed_age_minutes"] > 15:
        return "use fallback"
    return "page"
