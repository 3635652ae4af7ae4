def trips_at(rows, driver, at, ttl):
    fresh = [(created, trips) for who, event, created, trips in rows if who == driver and at - ttl <= event <= at]
    return max(fresh)[1] if fresh else None
