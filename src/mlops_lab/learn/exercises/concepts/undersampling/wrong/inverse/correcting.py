def correct(probability, kept):
    return probability / (probability + (1 - probability) * kept)
