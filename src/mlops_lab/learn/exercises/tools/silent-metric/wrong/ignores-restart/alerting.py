from itertools import pairwise


def should_alert(readings):
    if all(reading is None for reading in readings[-2:]):
        return True
    seen = [reading for reading in readings if reading is not None]
    requests, errors = (sum(max(b[n] - a[n], 0) for a, b in pairwise(seen)) for n in (0, 1))
    return requests > 0 and errors / requests > 0.05
