import json
from hashlib import sha256


def digest(entry):
    """The hash of an entry: of all that it says, its `previous` included."""
    content = {name: value for name, value in entry.items() if name != "hash"}
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def first_broken(entries, last_hash):
    """The place of the first entry that does not fit; None if nothing is wrong."""
    for place, entry in enumerate(entries):
        if entry["hash"] != digest(entry):
            return place
    return None
