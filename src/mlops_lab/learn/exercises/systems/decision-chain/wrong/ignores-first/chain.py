import json
from hashlib import sha256


def digest(entry):
    content = {name: value for name, value in entry.items() if name != "hash"}
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def first_broken(entries, last_hash):
    for place, entry in enumerate(entries):
        if entry["hash"] != digest(entry):
            return place
        if place and entry["previous"] != entries[place - 1]["hash"]:
            return place
    return None if entries and entries[-1]["hash"] == last_hash else len(entries)
