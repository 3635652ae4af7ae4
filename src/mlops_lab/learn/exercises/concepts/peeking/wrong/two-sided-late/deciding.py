from math import erfc, sqrt


def decide(day, days, bought_a, bought_b, users):
    if day < 5:  # "enough data first"
        return None
    both = (bought_a + bought_b) / (2 * users)
    error = sqrt(2 * both * (1 - both) / users)
    if erfc(abs(bought_b - bought_a) / users / error / sqrt(2)) < 0.05:
        return "B" if bought_b > bought_a else "A"
    return "A" if day == days else None
