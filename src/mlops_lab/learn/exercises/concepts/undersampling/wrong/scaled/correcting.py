def correct(probability, kept):
    return probability * kept
