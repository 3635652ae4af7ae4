def tick(journal, platform, day):
    """Start the training of this day, once."""
    decision = next((entry for entry in journal.read() if entry["day"] == day), None)
    if decision is None:
        decision = {"day": day, "data": platform.newest_data()}
        journal.append(decision)
    platform.start(f"training of {day}", decision["data"])
