def trips_at(rows, driver, at, ttl):
    fresh = [(e, c, trips) for who, e, c, trips in rows if who == driver and e <= at and at - ttl <= c]
    return max(fresh)[2] if fresh else None
