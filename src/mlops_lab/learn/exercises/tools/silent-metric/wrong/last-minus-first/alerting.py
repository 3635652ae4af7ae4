def should_alert(readings):
    if all(reading is None for reading in readings[-2:]):
        return True
    seen = [reading for reading in readings if reading is not None]
    requests = seen[-1][0] - seen[0][0]
    errors = seen[-1][1] - seen[0][1]
    return requests > 0 and errors / requests > 0.05
