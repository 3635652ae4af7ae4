def correct(probability, kept):
    odds = probability / (1 - probability) * kept
    return odds / (1 + odds)
