def respond(minute, seen, memory):
    is_bad = seen["error_rate"] is None or seen["error_rate"] > 0.10
    memory["bad"] = memory.get("bad", 0) + 1 if is_bad else 0
    memory["good"] = 0 if is_bad else memory.get("good", 0) + 1
    if memory["good"] >= 3:
        memory["answered"] = False
    if memory["bad"] < 3 or memory.get("answered"):
        return "wait"
    memory["answered"] = True
    return "page" if seen["error_rate"] is None else "roll back"
