def vectorize(words, size):
    """How many of the words fall into each of `size` buckets: a list of numbers."""
    vector = [0] * size
    for word in words:
        vector[hash(word) % size] += 1
    return vector
