def should_alert(readings):
    """Walks through the readings once."""
    silent, last, requests, errors = 0, None, 0, 0
    for reading in readings:
        if reading is None:
            silent += 1
            continue
        silent = 0
        if last is not None:
            restarted = reading[0] < last[0] or reading[1] < last[1]
            requests += reading[0] - (0 if restarted else last[0])
            errors += reading[1] - (0 if restarted else last[1])
        last = reading
    return silent >= 2 or last is None or errors > 0.05 * requests
