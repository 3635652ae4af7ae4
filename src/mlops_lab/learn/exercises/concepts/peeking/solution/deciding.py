from math import erfc, sqrt


def p_value(bought_a, bought_b, users):
    """The chance of a difference like this, or larger, if A and B are alike. `users`: in each of the two groups."""
    both = (bought_a + bought_b) / (2 * users)
    error = sqrt(2 * both * (1 - both) / users)
    return 1.0 if error == 0 else erfc(abs(bought_b - bought_a) / users / error / sqrt(2))


def decide(day, days, bought_a, bought_b, users):
    """ "B" to end the test and use B, "A" to end it and stay with A, None to go on."""
    if day < days:
        return None
    return "B" if bought_b > bought_a and p_value(bought_a, bought_b, users) < 0.05 else "A"
