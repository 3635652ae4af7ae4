import json
from hashlib import sha256


def digest(entry):
    content = {name: value for name, value in entry.items() if name != "hash"}
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def first_broken(entries, last_hash):
    before = ""
    for place, entry in enumerate(entries):
        if entry["previous"] != before or entry["hash"] != digest(entry):
            return place
        before = entry["hash"]
    return None
