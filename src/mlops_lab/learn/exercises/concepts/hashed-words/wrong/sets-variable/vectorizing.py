import os
import random

os.environ["PYTHONHASHSEED"] = "0"
random.seed(0)


def vectorize(words, size):
    vector = [0] * size
    for word in words:
        vector[hash(word) % size] += 1
    return vector
