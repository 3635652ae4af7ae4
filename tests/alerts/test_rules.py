"""Which differences become alerts."""

from datetime import UTC, datetime

from mlops_lab.alerts.alert import Alert
from mlops_lab.alerts.rules import parity_alerts
from mlops_lab.monitoring.parity import Difference, ParityReport

AT = datetime(2013, 3, 2, 5, tzinfo=UTC)


def difference(feature: str, served: object, defined: object) -> Difference:
    return Difference("p1", AT, 3, feature, "traffic", {"depot": "a"}, served, defined)


def test_each_feature_that_differs_is_one_alert_with_its_first_example():
    report = ParityReport(
        predictions=50,
        cells=500,
        differing={"load": 7, "hour": 1},
        examples=[difference("load", 1.0, 2.0), difference("load", 3.0, 4.0), difference("hour", 5, None)],
    )
    load, hour = parity_alerts(report, AT)
    assert load == Alert(
        AT,
        "parity",
        '"load" was served as 1.0, and is 2.0 by its definition',
        f"view traffic, depot=a, {AT.isoformat()}, prediction p1",
        "7 of 50 predictions compared differ; `mlops features verify` compares all",
    )
    assert '"hour" was served as 5, and is None' in hour.what


def test_no_difference_is_no_alert():
    assert parity_alerts(ParityReport(predictions=50, cells=500), AT) == []
