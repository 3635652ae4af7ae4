import json
from hashlib import sha256


def digest(entry):
    """The hash of an entry: of all that it says, its `previous` included."""
    content = {name: value for name, value in entry.items() if name != "hash"}
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def first_broken(entries, last_hash):
    """The place of the first entry that does not fit; None if nothing is wrong."""
    before = ""
    for place, entry in enumerate(entries):
        if entry["previous"] != before or entry["hash"] != digest(entry):
            return place
        before = entry["hash"]
    return None if before == last_hash else len(entries)
