"""The benchmark's model where a request brings all of its inputs."""

from typing import Any

from mlops_lab.features import Features

features = Features(
    inputs=[
        *("carrier", "origin", "dest", "distance", "scheduled_minutes", "hour", "weekday"),
        *("origin_delay_3h", "origin_late_3h", "origin_seen_3h"),
        *("temperature", "humidity", "wind_speed", "precipitation", "pressure", "visibility"),
        *("built", "seats"),
    ]
)


def model() -> Any:
    """300 trees; the same as with features."""
    from lightgbm import LGBMClassifier

    same_rows_same_model = {"deterministic": True, "force_row_wise": True, "random_state": 1}
    return LGBMClassifier(n_estimators=300, num_leaves=31, **same_rows_same_model, n_jobs=1, verbose=-1)
