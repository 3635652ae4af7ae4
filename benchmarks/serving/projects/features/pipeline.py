"""The benchmark's model with all that a request lacks derived or looked up by the server."""

from typing import Any

import polars as pl

from mlops_lab.features import Features, View, count, last, mean, share

local = pl.col("scheduled_at").dt.convert_time_zone("America/New_York")
observed = ["temperature", "humidity", "wind_speed", "precipitation", "pressure", "visibility"]
recent = {"origin_delay_3h": mean("arrival_delay"), "origin_late_3h": share("late"), "origin_seen_3h": count("late")}

features = Features(
    views=[
        View("origin_3h", "flights", by="origin", over="3h", values=recent),
        View("weather", "weather", by="origin", values={name: last(name) for name in observed}, ttl="6h"),
        View("plane", "planes", by="tailnum", values={"built": last("built"), "seats": last("seats")}),
    ],
    derived={"hour": local.dt.hour(), "weekday": local.dt.weekday()},
    inputs=[
        *("carrier", "origin", "dest", "distance", "scheduled_minutes", "hour", "weekday"),
        *recent,
        *observed,
        *("built", "seats"),
    ],
)


def model() -> Any:
    """300 trees. One thread: two change next to nothing for the peers at 1 or 100 rows a request."""
    from lightgbm import LGBMClassifier

    same_rows_same_model = {"deterministic": True, "force_row_wise": True, "random_state": 1}
    return LGBMClassifier(n_estimators=300, num_leaves=31, **same_rows_same_model, n_jobs=1, verbose=-1)
