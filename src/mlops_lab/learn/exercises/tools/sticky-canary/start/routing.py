import random


def to_canary(user, share):
    """Whether the new version answers this user. `user`: an ID, a text. `share`: of the users, from 0 to 1."""
    return random.random() < share
