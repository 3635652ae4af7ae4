def should_alert(readings):
    """Whether to wake somebody. `readings`: pairs (requests, errors), or None where there was no answer."""
    seen = [reading for reading in readings if reading is not None]
    if len(seen) < 2:
        return False
    requests = seen[-1][0] - seen[0][0]
    errors = seen[-1][1] - seen[0][1]
    return requests > 0 and errors / requests > 0.05
