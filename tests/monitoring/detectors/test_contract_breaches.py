"""The shares of requests and rows that do not fit the contract."""

from mlops_lab.monitoring.detectors.base import Operations, RequestCounts
from mlops_lab.monitoring.detectors.contract_breaches import CONTRACT_BREACHES


def test_rejected_requests_refused_rows_and_rows_set_aside():
    requests = RequestCounts(failed=3, rejected=10, buckets=[150, 50], bounds_seconds=[0.1])
    seen = Operations(answered=180, refused=20, set_aside={"orders": 0, "stock": 7}, requests=requests)
    assert dict(CONTRACT_BREACHES.measure(seen)) == {
        "rejected requests": 0.05,
        "refused rows": 0.1,
        "rows for orders": 0.0,
        "rows for stock": 7.0,
    }


def test_shares_of_few_are_not_defined():
    requests = RequestCounts(failed=0, rejected=5, buckets=[99], bounds_seconds=[])
    for seen in (Operations(), Operations(answered=60, refused=39, requests=requests)):
        assert dict(CONTRACT_BREACHES.measure(seen)) == {"rejected requests": None, "refused rows": None}
