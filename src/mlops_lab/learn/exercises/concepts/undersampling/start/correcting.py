def correct(probability, kept):
    """The probability of fraud among all clicks. `kept`: the share of other clicks that was trained on."""
    return probability
