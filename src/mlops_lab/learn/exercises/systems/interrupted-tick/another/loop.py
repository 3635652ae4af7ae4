def tick(journal, platform, day):
    """Three states of a day, by its last entry: nothing yet, decided, started."""
    entries = [entry for entry in journal.read() if entry["day"] == day]
    last = entries[-1] if entries else {"state": "nothing"}
    if last["state"] == "nothing":
        last = {"day": day, "state": "decided", "data": platform.newest_data(), "name": f"{day}"}
        journal.append(last)
    if last["state"] == "decided":
        platform.start(last["name"], last["data"])
        journal.append({**last, "state": "started"})
