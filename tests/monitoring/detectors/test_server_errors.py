"""The share of requests that ended with an error of the server."""

from mlops_lab.monitoring.detectors.base import Operations, RequestCounts
from mlops_lab.monitoring.detectors.server_errors import SERVER_ERRORS


def test_the_share_of_requests_that_failed():
    requests = RequestCounts(failed=3, rejected=10, buckets=[150, 50], bounds_seconds=[0.1])
    assert list(SERVER_ERRORS.measure(Operations(requests=requests))) == [("requests", 0.015)]


def test_nothing_of_few_requests_or_where_no_server_ran():
    few = RequestCounts(failed=1, rejected=0, buckets=[99], bounds_seconds=[])
    assert list(SERVER_ERRORS.measure(Operations(requests=few))) == []
    assert list(SERVER_ERRORS.measure(Operations())) == []
