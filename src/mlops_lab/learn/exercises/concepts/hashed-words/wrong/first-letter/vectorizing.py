def vectorize(words, size):
    vector = [0] * size
    for word in words:
        vector[ord(word[0]) * 7919 % size] += 1
    return vector
