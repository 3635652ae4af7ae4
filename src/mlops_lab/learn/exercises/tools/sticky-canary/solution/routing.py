import hashlib


def to_canary(user, share):
    """Whether the new version answers this user. `user`: an ID, a text. `share`: of the users, from 0 to 1."""
    number = int.from_bytes(hashlib.sha256(user.encode()).digest()[:8], "big")
    return number / 2**64 < share
