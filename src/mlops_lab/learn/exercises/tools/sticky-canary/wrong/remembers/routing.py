import random

coins = {}


def to_canary(user, share):
    return coins.setdefault(user, random.random()) < share
