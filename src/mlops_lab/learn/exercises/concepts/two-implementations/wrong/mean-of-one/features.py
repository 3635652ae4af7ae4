from datetime import datetime

import pandas as pd

CITIES = {"berlin": 0, "paris": 1, "zürich": 2}
USUAL_KILOMETRES = 6.5


def training_features(rows):
    started = pd.to_datetime(rows["started"])
    return pd.DataFrame({
        "weekday": started.dt.dayofweek,
        "is_rush": started.dt.hour.isin([7, 8, 17, 18]).astype(int),
        "kilometres": rows["kilometres"].astype(float).fillna(USUAL_KILOMETRES).clip(upper=50),
        "city": rows["city"].str.strip().str.lower().map(CITIES).fillna(-1).astype(int),
    })


def serving_features(row):
    table = pd.DataFrame([row])
    table["kilometres"] = table["kilometres"].astype(float).fillna(table["kilometres"].astype(float).mean()).fillna(0)
    return training_features(table).to_dict("records")[0]
