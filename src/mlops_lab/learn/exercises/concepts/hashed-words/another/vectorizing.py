from collections import Counter
from hashlib import blake2b


def bucket(word, size):
    return int.from_bytes(blake2b(word.encode("utf-8"), digest_size=8).digest(), "big") % size


def vectorize(words, size):
    counts = Counter(bucket(word, size) for word in words)
    return [counts[place] for place in range(size)]
