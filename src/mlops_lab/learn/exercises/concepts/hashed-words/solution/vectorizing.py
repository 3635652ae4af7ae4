from zlib import crc32


def vectorize(words, size):
    """How many of the words fall into each of `size` buckets: a list of numbers."""
    vector = [0] * size
    for word in words:
        vector[crc32(word.encode()) % size] += 1
    return vector
