def respond(minute, seen, memory):
    rates = memory.setdefault("rates", [])
    rates.append(0.3 if seen["error_rate"] is None else seen["error_rate"])
    if len(rates) < 10 or sum(rates[-10:]) / 10 < 0.10 or memory.get("answered"):
        return "wait"
    memory["answered"] = True
    if seen["error_rate"] is None:
        return "page"
    if seen["minutes_since_release"] is not None and seen["minutes_since_release"] <= 30:
        return "roll back"
    return "use fallback" if seen["feed_age_minutes"] > 15 else "page"
