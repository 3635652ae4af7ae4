"""Rules: which observations become alerts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from mlops_lab.alerts.alert import Alert
from mlops_lab.monitoring.log_check import LogProblem
from mlops_lab.monitoring.parity import OUTPUT, ParityReport
from mlops_lab.monitoring.window import Window


def parity_alerts(report: ParityReport, at: datetime) -> list[Alert]:
    """One alert for each feature that was served differently from its definition, with an example."""
    alerts = []
    for name, cells in report.differing.items():
        example = next(difference for difference in report.examples if difference.feature == name)
        entity = ", ".join(f"{key}={value}" for key, value in example.entity.items())
        what = f'"{name}" was served as {example.served!r}, and is {example.defined!r} by its definition'
        where = f"view {example.view}, {entity}, {example.at.isoformat()}, prediction {example.prediction}"
        if name == OUTPUT:
            what = (
                f"the answer {example.served!r} was logged, and version {example.version} answers {example.defined!r}"
            )
            where = f"{example.at.isoformat()}, prediction {example.prediction}"
        hint = f"{cells} of {report.predictions} predictions compared differ; `mlops features verify` compares all"
        alerts.append(Alert(at, "parity", what, where, hint, about=name))
    for (version, reason), predictions in report.unverified.items():
        where = "the log" if version is None else f"version {version}"
        hint = "restore what is gone; `mlops history` names the folders of the versions"
        alerts.append(Alert(at, "unverified", f"{predictions} predictions were not verified: {reason}", where, hint))
    return alerts


def unmeasured_alert(window: Window, reason: str) -> Alert:
    """The alert that something of a window could not be measured."""
    where = f"the time from {window.began.isoformat()} to {window.end.isoformat()}"
    hint = "restore what is missing or damaged; it is not measured later, and `mlops status --json` lists it"
    about = reason.partition(":")[0]
    return Alert(window.end, "unmeasured", f"not measured: {reason}", where, hint, about=about)


def log_alerts(problems: Sequence[LogProblem], at: datetime) -> list[Alert]:
    """One alert for each thing that is wrong with a table of the lake; the same one once."""
    hint = "restore the folder of the table from a backup; `mlops features verify` checks all of the log"
    return [
        Alert(at, "log", f"{problem.table}: {problem.what}", ", ".join(_place(problem)), hint, about=_about(problem))
        for problem in dict.fromkeys(problems)
    ]


def _about(problem: LogProblem) -> str:
    """The place of a problem without what differs from day to day."""
    return ", ".join(_place(replace(problem, since=None, ranges=None)))


def _place(problem: LogProblem) -> list[str]:
    parts = [f"table {problem.table}"]
    if problem.column is not None:
        parts.append(f"column {problem.column}")
    if problem.file is not None:
        parts.append(f"file {problem.file}")
    if problem.since is not None and problem.until is not None:
        parts.append(f"{problem.since.isoformat()} to {problem.until.isoformat()}")
    if problem.ranges is not None:
        parts.append(f"positions {problem.ranges}")
    return parts
