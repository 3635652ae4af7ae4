def first_broken(entries, last_hash):
    before = ""
    for place, entry in enumerate(entries):
        if entry["previous"] != before:
            return place
        before = entry["hash"]
    return None if before == last_hash else len(entries)
