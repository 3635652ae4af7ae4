import random


def to_canary(user, share):
    """A coin of the user's own: its seed is a text, which Python hashes in the same way everywhere."""
    return random.Random(f"canary of the flats: {user}").random() < share
