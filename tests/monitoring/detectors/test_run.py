"""Every detector looks at every input that the requests hold."""

import polars as pl

from mlops_lab.monitoring.detectors.run import run_detectors
from mlops_lab.monitoring.profile import make_profiles


def test_rows_are_those_of_every_detector_for_every_input():
    trained = pl.DataFrame({"a": [1.0, 2.0], "b": ["x", None], "gone": [1.0, 1.0]})
    requests = pl.DataFrame({"b": ["x", "x"], "a": [1.0, None], "other": [1, 2]})
    rows = list(run_detectors(requests, make_profiles(trained)))
    both, numbers = {"drift", "nulls", "unseen", "jensen_shannon", "chi_squared"}, {"kolmogorov_smirnov", "wasserstein"}
    numbers |= {"shift", "new_values"}
    assert {row[0] for row in rows if row[1] == "a"} == both | numbers
    assert {row[0] for row in rows if row[1] == "b"} == both
    assert {row[:2] for row in rows if row[1] not in "ab"} == {("joint_drift", "all inputs")}
    assert rows[1] == ("nulls", "a", 0.5)
    assert list(run_detectors(requests.clear(), make_profiles(trained))) == []
