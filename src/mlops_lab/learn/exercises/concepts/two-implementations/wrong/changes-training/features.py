from datetime import datetime

import pandas as pd

CITIES = {"berlin": 0, "paris": 1, "zürich": 2}


def training_features(rows):
    return pd.DataFrame([serving_features(row) for row in rows.to_dict("records")])


def serving_features(row):
    started = datetime.fromisoformat(row["started"])
    return {
        "weekday": started.isoweekday(),
        "is_rush": int(started.hour in (7, 8, 17, 18)),
        "kilometres": row["kilometres"] or 0.0,
        "city": CITIES.get(row["city"].lower(), -1),
    }
