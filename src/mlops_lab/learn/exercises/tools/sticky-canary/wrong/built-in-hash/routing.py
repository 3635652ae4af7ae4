def to_canary(user, share):
    return hash(user) % 10_000 < share * 10_000
