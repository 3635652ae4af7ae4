def trips_at(rows, driver, at, ttl):
    """The trips of a driver that a model may see at the time `at`, or None. Times are in hours.

    rows: tuples (driver, event, created, trips), in the order in which they were written. `event`: when it was so;
    `created`: when the row was written.
    """
    found = None
    for who, event, created, trips in rows:
        if who == driver and event <= at:
            found = trips
    return found
