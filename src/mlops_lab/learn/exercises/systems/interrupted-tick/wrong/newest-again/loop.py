def tick(journal, platform, day):
    states = [entry["state"] for entry in journal.read() if entry["day"] == day]
    if "started" in states:
        return
    data = platform.newest_data()
    journal.append({"day": day, "state": "decided", "data": data})
    platform.start(f"training of {day}", data)
    journal.append({"day": day, "state": "started", "data": data})
