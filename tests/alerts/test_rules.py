"""Which differences become alerts."""

from datetime import UTC, datetime, timedelta

from mlops_lab.alerts.alert import Alert
from mlops_lab.alerts.rules import log_alerts, parity_alerts, unmeasured_alert
from mlops_lab.monitoring.log_check import LogProblem
from mlops_lab.monitoring.parity import Difference, ParityReport
from mlops_lab.monitoring.window import Window

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
        about="load",
    )
    assert hour.about == "hour"
    assert '"hour" was served as 5, and is None' in hour.what


def test_no_difference_is_no_alert():
    assert parity_alerts(ParityReport(predictions=50, cells=500), AT) == []


def test_an_answer_that_differs_is_an_alert_that_names_the_version():
    example = Difference("p1", AT, 3, "output", None, {}, 0.5, 0.25)
    (alert,) = parity_alerts(ParityReport(predictions=50, differing={"output": 2}, examples=[example]), AT)
    assert alert.what == "the answer 0.5 was logged, and version 3 answers 0.25"
    assert alert.where == f"{AT.isoformat()}, prediction p1"
    assert alert.hint.startswith("2 of 50 predictions")


def test_predictions_that_were_not_verified_are_an_alert_for_each_reason():
    report = ParityReport(unverified={(3, "its package is gone"): 7, (None, "the log has no column id"): 2})
    gone, unnamed = parity_alerts(report, AT)
    assert (gone.rule, gone.where) == ("unverified", "version 3")
    assert gone.what == "7 predictions were not verified: its package is gone"
    assert unnamed.where == "the log"


def test_each_problem_of_the_log_is_one_alert_that_names_its_place():
    rows = LogProblem(
        "predictions", "rows missing: 3", rows=3, since=AT, until=AT + timedelta(hours=1), ranges="journal 0-9"
    )
    file = LogProblem("outcomes", "the file cannot be read: it is gone", file="part-0.parquet")
    column = LogProblem("stock", 'the column "items" is gone', column="items")
    alerts = log_alerts([rows, file, file, column], AT)
    assert [(alert.rule, alert.what) for alert in alerts] == [
        ("log", "predictions: rows missing: 3"),
        ("log", "outcomes: the file cannot be read: it is gone"),
        ("log", 'stock: the column "items" is gone'),
    ]
    assert [alert.where for alert in alerts] == [
        f"table predictions, {AT.isoformat()} to {(AT + timedelta(hours=1)).isoformat()}, positions journal 0-9",
        "table outcomes, file part-0.parquet",
        "table stock, column items",
    ]
    assert [alert.about for alert in alerts] == [
        "table predictions",
        "table outcomes, file part-0.parquet",
        "table stock, column items",
    ], "without what differs from day to day"


def test_a_day_that_was_not_measured_is_an_alert():
    alert = unmeasured_alert(Window(AT, AT + timedelta(days=1)), "parity: it is gone")
    assert (alert.at, alert.rule, alert.what) == (
        AT + timedelta(days=1),
        "unmeasured",
        "not measured: parity: it is gone",
    )
    assert alert.about == "parity"
    assert alert.where == "the time from 2013-03-02T05:00:00+00:00 to 2013-03-03T05:00:00+00:00"
