numbers = {}


def vectorize(words, size):
    vector = [0] * size
    for word in words:
        number = numbers.setdefault(word, len(numbers))
        vector[number % size] += 1
    return vector
