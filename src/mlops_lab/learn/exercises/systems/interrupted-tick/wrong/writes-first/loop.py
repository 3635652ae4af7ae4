def tick(journal, platform, day):
    if any(entry["day"] == day for entry in journal.read()):
        return
    data = platform.newest_data()
    journal.append({"day": day, "data": data})
    platform.start(f"training of {day}", data)
