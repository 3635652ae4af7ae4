def first_broken(entries, last_hash):
    return None if entries[-1]["hash"] == last_hash else len(entries)
