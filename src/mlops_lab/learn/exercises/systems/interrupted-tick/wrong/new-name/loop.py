from uuid import uuid4


def tick(journal, platform, day):
    entries = [entry for entry in journal.read() if entry["day"] == day]
    if any(entry["state"] == "started" for entry in entries):
        return
    if not entries:
        entries = [{"day": day, "state": "decided", "data": platform.newest_data()}]
        journal.append(entries[0])
    platform.start(f"training {uuid4()}", entries[0]["data"])
    journal.append({**entries[0], "state": "started"})
