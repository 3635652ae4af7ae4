"""How long requests took, from the counts of buckets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.monitoring.detectors.base import Operations, RequestCounts
from mlops_lab.monitoring.detectors.latency import LATENCY, quantile_seconds

BOUNDS = (0.001, 0.01, 0.1, 1.0)


def counts_of(seconds: list[float]) -> RequestCounts:
    places = np.searchsorted(BOUNDS, seconds, side="left")
    return RequestCounts(0, 0, np.bincount(places, minlength=len(BOUNDS) + 1).tolist(), BOUNDS)


@given(st.lists(st.floats(1e-5, 5.0), min_size=1, max_size=300), st.sampled_from([0.5, 0.99]))
def test_a_quantile_lies_in_the_bucket_of_the_true_one(seconds, share):
    true = np.quantile(seconds, share, method="inverted_cdf")
    place = int(np.searchsorted(BOUNDS, true, side="left"))
    lower, upper = [0.0, *BOUNDS][place], [*BOUNDS, BOUNDS[-1]][place]
    assert lower <= quantile_seconds(counts_of(seconds), share) <= upper + 1e-12


def test_requests_are_evenly_spread_in_their_bucket():
    assert quantile_seconds(RequestCounts(0, 0, [0, 100, 0, 0, 0], BOUNDS), 0.5) == pytest.approx(0.0055)


def test_milliseconds_of_enough_requests():
    found = dict(LATENCY.measure(Operations(requests=RequestCounts(0, 0, [0, 0, 0, 50, 150], BOUNDS))))
    assert found == {"p50_ms": 1000.0, "p99_ms": 1000.0}, "beyond the last bound, it is that bound"
    assert list(LATENCY.measure(Operations(requests=RequestCounts(0, 0, [99], BOUNDS)))) == []
    assert list(LATENCY.measure(Operations())) == []
