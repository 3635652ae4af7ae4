from datetime import datetime, timedelta

import pandas as pd

from mlops_lab.learn.checking import Work, fail

CITIES = ["Berlin", "paris", " Zürich", "ZÜRICH ", "Oslo"]
NUMBERS = {"berlin": 0, "paris": 1, "zürich": 2}
ROWS = 60


def check(work: Work) -> None:
    module = work.load("features.py", "training_features", "serving_features")
    rows = [_row(work) for _ in range(ROWS)]
    rows[3]["kilometres"], rows[5]["kilometres"], rows[8]["kilometres"] = None, 0.0, 120.0
    trained = module.training_features(pd.DataFrame(rows)).to_dict("records")
    served = [module.serving_features(dict(row)) for row in rows]
    for row, features in zip(rows, trained, strict=True):
        if name := _difference(_features(row), features):
            seen = f"for {row}, training_features now gives {name} = {features.get(name)}"
            fail("training-changed", seen=seen, expected=f"{_features(row)[name]}, as the model learnt it")
    for row, wanted, features in zip(rows, trained, served, strict=True):
        if name := _difference(wanted, features):
            seen = f"for {row} the server uses {name} = {features.get(name)!r}, and the training used {wanted[name]!r}"
            fail("differs", seen=seen, expected="the same value in both")


def _row(work: Work) -> dict:
    started = datetime(2024, 1, 1) + timedelta(minutes=int(work.rng.integers(0, 60 * 24 * 200)))
    distance = None if work.rng.random() < 0.15 else round(float(work.rng.gamma(2, 5)), 1)
    return {"started": started.isoformat(), "kilometres": distance, "city": str(work.rng.choice(CITIES))}


def _features(row: dict) -> dict:
    started = datetime.fromisoformat(row["started"])
    return {
        "weekday": started.weekday(),
        "is_rush": int(started.hour in (7, 8, 17, 18)),
        "kilometres": 6.5 if row["kilometres"] is None else min(row["kilometres"], 50.0),
        "city": NUMBERS.get(row["city"].strip().lower(), -1),
    }


def _difference(wanted: dict, found: dict) -> str | None:
    """The first feature that is not the same."""
    return next((name for name in wanted if not (name in found and abs(found[name] - wanted[name]) < 1e-9)), None)
