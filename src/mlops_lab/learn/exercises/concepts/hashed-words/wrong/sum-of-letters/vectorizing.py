def vectorize(words, size):
    vector = [0] * size
    for word in words:
        vector[sum(map(ord, word)) % size] += 1
    return vector
