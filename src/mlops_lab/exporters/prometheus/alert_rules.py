"""The alert rules for Prometheus: what the loop cannot see, because it is about the server while it runs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from mlops_lab.exporters.prometheus.names import JOB, metric, percentile, rate

_ERRORS = 'status=~"5.."'


@dataclass(frozen=True, kw_only=True)
class AlertRule:
    """A rule: its name, the expression that is true where it fires, for how long it must be, how urgent it is, what it
    tells, and what to look at and to run."""

    name: str
    expression: str
    lasts: str
    severity: str
    summary: str
    runbook: str


ALERT_RULES = (
    AlertRule(
        name="MlopsServerDown",
        expression=f'up{{job="{JOB}"}} == 0',
        lasts="2m",
        severity="critical",
        summary="The server does not answer.",
        runbook="look at the output of `mlops up` or `mlops serve`, and the disk; run `mlops status`",
    ),
    AlertRule(
        name="MlopsErrors",
        expression=f"{rate('requests', where=_ERRORS)} / {rate('requests')} > 0.01",
        lasts="5m",
        severity="critical",
        summary="{{ $value | humanizePercentage }} of the requests end with an error of the server.",
        runbook="look at the server's output; run `mlops status`, and `mlops rollback` if it began with a version",
    ),
    AlertRule(
        name="MlopsSlow",
        expression=f"{percentile(0.99, by='route')} > 0.5",
        lasts="10m",
        severity="warning",
        summary="One in a hundred requests to {{ $labels.route }} takes more than {{ $value | humanizeDuration }}.",
        runbook="look at the load of the machine and its disk; run `mlops status`; add `workers` in [serving]",
    ),
    AlertRule(
        name="MlopsRefused",
        expression=f"{rate('refused')} / ({rate('refused')} + {rate('answered')}) > 0.05",
        lasts="10m",
        severity="warning",
        summary="{{ $value | humanizePercentage }} of the rows are refused: a view has no values for them.",
        runbook=f"look at {metric('refused')} by view and reason; run `mlops features list`, and load the view's table",
    ),
    AlertRule(
        name="MlopsMissingFeatures",
        expression=f"{rate('missing', by='view')} / scalar({rate('answered')}) > 0.2",
        lasts="30m",
        severity="warning",
        summary="The view {{ $labels.view }} gives its defaults for {{ $value | humanizePercentage }} of the rows.",
        runbook="look at how old the newest rows of the view's table are; run `mlops ingest TABLE FILE`",
    ),
    AlertRule(
        name="MlopsDeploymentFailed",
        expression=f"max({metric('not_deployed')}) > 0",
        lasts="2m",
        severity="critical",
        summary="A worker could not take over the newest decision: it answers by an older one.",
        runbook="look at `following` in `mlops status --json`; run `mlops tick`",
    ),
    AlertRule(
        name="MlopsVersionNotLoaded",
        expression=f"max by (version) ({metric('not_loaded')}) > 0",
        lasts="2m",
        severity="critical",
        summary="Version {{ $labels.version }} could not be loaded: the champion answers for it.",
        runbook="look at the folder of its package; run `mlops status`, and `mlops rollback` if it is the champion",
    ),
    AlertRule(
        name="MlopsLogBehind",
        expression=f'max({metric("log_behind")}{{where="lake"}}) > 1e9',
        lasts="15m",
        severity="warning",
        summary="{{ $value | humanize1024 }}B of the log wait to be moved into the lake.",
        runbook="look at whether the loop runs; run `mlops tick`",
    ),
    AlertRule(
        name="MlopsLogDamaged",
        expression=f"max(delta({metric('log_damaged_places')}[1h])) > 0",
        lasts="0m",
        severity="critical",
        summary="The log was damaged, and bytes of it were set aside.",
        runbook="look at the disk; run `mlops quarantine` and `mlops features verify`",
    ),
    AlertRule(
        name="MlopsDayWarnings",
        expression=f"max({metric('day_warnings')}) > 0",
        lasts="0m",
        severity="info",
        summary="The last day that was measured differs from training in {{ $value }} ways.",
        runbook="look at the warnings that it prints; run `mlops status`",
    ),
)


def write_rules(rules: Iterable[AlertRule]) -> str:
    """The rules as a rule file of Prometheus (YAML)."""
    lines = ["# Written by `mlops export prometheus`: see README.md.", "groups:", f"  - name: {JOB}", "    rules:"]
    for rule in rules:
        lines += [
            f"      - alert: {rule.name}",
            f"        expr: {_quote(rule.expression)}",
            f"        for: {rule.lasts}",
            f"        labels: {{severity: {rule.severity}}}",
            "        annotations:",
            f"          summary: {_quote(rule.summary)}",
            f"          runbook: {_quote(rule.runbook)}",
        ]
    return "\n".join(lines) + "\n"


def _quote(text: str) -> str:
    """A string of YAML: one of JSON is."""
    return json.dumps(text, ensure_ascii=False)
