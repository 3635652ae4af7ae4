def trips_at(rows, driver, at, ttl):
    near = [(abs(at - event), -created, trips) for who, event, created, trips in rows if who == driver]
    near = [row for row in near if row[0] <= ttl]
    return min(near)[2] if near else None
