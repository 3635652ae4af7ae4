from itertools import pairwise


def should_alert(readings):
    if readings[-1] is None:
        return True
    seen = [reading for reading in readings if reading is not None]
    requests, errors = (sum(b[n] - a[n] if b[n] >= a[n] else b[n] for a, b in pairwise(seen)) for n in (0, 1))
    return requests > 0 and errors / requests > 0.05
