import pandas as pd


def trips_at(rows, driver, at, ttl):
    """Sorts by both times, and takes the last."""
    table = pd.DataFrame(rows, columns=["driver", "event", "created", "trips"])
    table = table[(table["driver"] == driver) & table["event"].between(at - ttl, at)].sort_values(["event", "created"])
    return None if table.empty else int(table["trips"].iloc[-1])
