from math import erfc, sqrt


def decide(day, days, bought_a, bought_b, users):
    both = (bought_a + bought_b) / (2 * users)
    error = sqrt(2 * both * (1 - both) / users) or 1
    if erfc(abs(bought_b - bought_a) / users / error / sqrt(2)) < 0.03:
        return "B" if bought_b > bought_a else "A"
    return "A" if day == days else None
