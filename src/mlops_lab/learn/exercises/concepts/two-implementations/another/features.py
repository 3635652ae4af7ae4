from datetime import datetime

import pandas as pd

CITIES = {"berlin": 0, "paris": 1, "zürich": 2}
USUAL_KILOMETRES = 6.5


def training_features(rows):
    """A DataFrame of features, a row for each row (a DataFrame)."""
    return pd.DataFrame([serving_features(row) for row in rows.to_dict("records")])


def serving_features(row):
    """The one implementation; the training calls it for each row."""
    started = datetime.fromisoformat(row["started"])
    known = row["kilometres"] is not None and row["kilometres"] == row["kilometres"]
    return {
        "weekday": started.weekday(),
        "is_rush": int(started.hour in (7, 8, 17, 18)),
        "kilometres": min(row["kilometres"], 50.0) if known else USUAL_KILOMETRES,
        "city": CITIES.get(row["city"].strip().lower(), -1),
    }
