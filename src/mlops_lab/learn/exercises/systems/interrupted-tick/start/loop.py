def tick(journal, platform, day):
    """Start the training of this day, once."""
    if any(entry["day"] == day for entry in journal.read()):
        return
    data = platform.newest_data()
    platform.start(f"training of {day}", data)
    journal.append({"day": day, "data": data})
