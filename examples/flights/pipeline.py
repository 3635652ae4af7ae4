"""How the flights project turns a request into a prediction."""

from typing import Any

import polars as pl

from mlops_lab.features import Features, View, count, largest, last, mean, share, std

scheduled = pl.col("scheduled_at")
local = scheduled.dt.convert_time_zone("America/New_York")
observed = ["temperature", "humidity", "wind_speed", "wind_gust", "precipitation", "pressure", "visibility"]

route = {"route_delay": mean("arrival_delay"), "route_spread": std("arrival_delay")}
towards = {"dest_delay": mean("arrival_delay"), "dest_worst": largest("arrival_delay")}
aircraft = {
    "aircraft_delay": last("arrival_delay"),
    "aircraft_minutes": last("scheduled_minutes"),
    "aircraft_landed_at": last("known_at"),
}

features = Features(
    views=[
        View(
            "origin_1h", "flights", by="origin", over="1h", values={"late_1h": share("late"), "seen_1h": count("late")}
        ),
        View("origin_3h", "flights", by="origin", over="3h", values={"origin_delay_3h": mean("arrival_delay")}),
        View("origin_24h", "flights", by="origin", over="24h", values={"origin_delay_24h": mean("arrival_delay")}),
        View("carrier_7d", "flights", by="carrier", over="7d", values={"carrier_delay_7d": mean("arrival_delay")}),
        View("dest_3h", "flights", by="dest", over="3h", values=towards),
        View("route_14d", "flights", by=["origin", "dest"], over="14d", values=route, missing={"route_delay": 0.0}),
        View("aircraft", "flights", by="tailnum", values=aircraft, ttl="7d"),
        View("weather", "weather", by="origin", values={name: last(name) for name in observed}, ttl="6h"),
        View("plane", "planes", by="tailnum", values={"seats": last("seats")}),
    ],
    derived={
        "hour": local.dt.hour(),
        "weekday": local.dt.weekday(),
        "hours_since_landing": (scheduled - pl.col("aircraft_landed_at")).dt.total_minutes() / 60,
    },
    inputs=[
        *("carrier", "origin", "dest", "distance", "scheduled_minutes", "hour", "weekday"),
        *("late_1h", "seen_1h", "origin_delay_3h", "origin_delay_24h", "carrier_delay_7d"),
        *("dest_delay", "dest_worst", "route_delay", "route_spread"),
        *("aircraft_delay", "aircraft_minutes", "hours_since_landing", "seats"),
        *observed,
    ],
)


def model() -> Any:
    """The estimator; imported here so that nothing heavy loads where only the features are needed."""
    from lightgbm import LGBMClassifier

    trees = {"n_estimators": 100, "learning_rate": 0.1, "num_leaves": 31, "min_child_samples": 100, "max_bin": 63}
    same_rows_same_model = {"deterministic": True, "force_row_wise": True, "random_state": 1}
    return LGBMClassifier(**trees, **same_rows_same_model, cat_smooth=50, n_jobs=2, verbose=-1)
