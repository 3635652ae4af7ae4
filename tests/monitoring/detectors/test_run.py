"""Every detector looks at every input that the requests hold."""

import polars as pl

from mlops_lab.monitoring.detectors.run import run_detectors
from mlops_lab.monitoring.profile import make_profiles


def test_rows_are_those_of_every_detector_for_every_input():
    trained = pl.DataFrame({"a": [1.0, 2.0], "b": ["x", None], "gone": [1.0, 1.0]})
    requests = pl.DataFrame({"b": ["x", "x"], "a": [1.0, None], "other": [1, 2]})
    rows = list(run_detectors(requests, make_profiles(trained)))
    assert [row[:2] for row in rows] == [(monitor, name) for name in "ab" for monitor in ("drift", "nulls", "unseen")]
    assert rows[1][2] == 0.5
    assert list(run_detectors(requests.clear(), make_profiles(trained))) == []
