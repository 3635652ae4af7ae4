import json
from hashlib import sha256
from itertools import zip_longest


def digest(entry):
    content = {name: value for name, value in entry.items() if name != "hash"}
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def first_broken(entries, last_hash):
    """Compares what each entry claims about the one before with the hash that this one really has."""
    real = ["", *map(digest, entries)]
    claimed = [*(entry["previous"] for entry in entries), last_hash]
    for place, (hash_before, claim) in enumerate(zip_longest(real, claimed)):
        own_is_wrong = place < len(entries) and entries[place]["hash"] != real[place + 1]
        if claim != hash_before or own_is_wrong:
            return place
    return None
