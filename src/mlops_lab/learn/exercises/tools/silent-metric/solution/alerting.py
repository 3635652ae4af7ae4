from itertools import pairwise


def should_alert(readings):
    """Whether to wake somebody. `readings`: pairs (requests, errors), or None where there was no answer."""
    if all(reading is None for reading in readings[-2:]):
        return True
    seen = [reading for reading in readings if reading is not None]
    requests, errors = (increase([reading[place] for reading in seen]) for place in (0, 1))
    return requests > 0 and errors / requests > 0.05


def increase(counter):
    """How much was counted, restarts included."""
    return sum(new - old if new >= old else new for old, new in pairwise(counter))
