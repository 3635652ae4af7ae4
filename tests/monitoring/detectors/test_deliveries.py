"""How many rows were sent to each table."""

from mlops_lab.monitoring.detectors.base import Operations
from mlops_lab.monitoring.detectors.deliveries import count_deliveries


def test_each_table_has_its_number():
    assert list(count_deliveries(Operations(sent={"orders": 0, "stock": 24}))) == [("orders", 0.0), ("stock", 24.0)]
    assert list(count_deliveries(Operations())) == []
