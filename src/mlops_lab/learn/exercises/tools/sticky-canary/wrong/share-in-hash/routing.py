import hashlib


def to_canary(user, share):
    number = int(hashlib.md5(f"{user}-{share}".encode()).hexdigest(), 16)
    return number % 10_000 < share * 10_000
