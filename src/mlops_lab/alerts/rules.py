"""Rules: which observations become alerts."""

from __future__ import annotations

from datetime import datetime

from mlops_lab.alerts.alert import Alert
from mlops_lab.monitoring.parity import ParityReport


def parity_alerts(report: ParityReport, at: datetime) -> list[Alert]:
    """One alert for each feature that was served differently from its definition, with an example."""
    alerts = []
    for name, cells in report.differing.items():
        example = next(difference for difference in report.examples if difference.feature == name)
        entity = ", ".join(f"{key}={value}" for key, value in example.entity.items())
        what = f'"{name}" was served as {example.served!r}, and is {example.defined!r} by its definition'
        where = f"view {example.view}, {entity}, {example.at.isoformat()}, prediction {example.prediction}"
        hint = f"{cells} of {report.predictions} predictions compared differ; `mlops features verify` compares all"
        alerts.append(Alert(at, "parity", what, where, hint))
    return alerts
