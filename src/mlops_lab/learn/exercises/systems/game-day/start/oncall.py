def respond(minute, seen, memory):
    """The answer of this minute: "wait", "roll back", "use fallback" or "page".

    seen: error_rate (or None), minutes_since_release (or None), feed_age_minutes.
    """
    if seen["error_rate"] is not None and seen["error_rate"] > 0.10:
        return "roll back"
    return "wait"
