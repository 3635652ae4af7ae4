def trips_at(rows, driver, at, ttl):
    fresh = [(event, trips) for who, event, created, trips in rows if who == driver and at - ttl <= event <= at]
    return max(fresh, key=lambda row: row[0])[1] if fresh else None
