"""Alert rules for Prometheus and a dashboard for Grafana, over the metrics of the project's server."""

from __future__ import annotations

import json
from pathlib import Path

from mlops_lab.exporters.exporter import ExportReport
from mlops_lab.exporters.prometheus.alert_rules import ALERT_RULES, write_rules
from mlops_lab.exporters.prometheus.dashboard import CHARTS, make_dashboard
from mlops_lab.exporters.prometheus.names import JOB
from mlops_lab.project import Project


def export(project: Project, folder: Path) -> ExportReport:
    """Write rules, dashboard and a configuration of Prometheus into an empty folder."""
    dashboard = json.dumps(make_dashboard(project.name), indent=2) + "\n"
    (folder / "rules.yml").write_text(write_rules(ALERT_RULES), encoding="utf-8")
    (folder / "dashboard.json").write_text(dashboard, encoding="utf-8")
    (folder / "prometheus.yml").write_text(write_config(project), encoding="utf-8")
    (folder / "README.md").write_text(_README.format(name=project.name), encoding="utf-8")
    details = {"rules": [rule.name for rule in ALERT_RULES], "charts": [chart.title for chart in CHARTS]}
    lines = (f"{len(ALERT_RULES)} alert rules, {len(CHARTS)} charts", "next: `promtool check config prometheus.yml`")
    return ExportReport(details, lines)


def write_config(project: Project) -> str:
    """A configuration of Prometheus that reads the server's metrics, evaluates the rules and tells Alertmanager."""
    serving = project.settings.serving
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(serving.host, serving.host)
    scrape = {
        "job_name": JOB,
        "scheme": "https" if serving.tls_certificate else "http",
        "static_configs": [{"targets": [f"[{host}]:{serving.port}" if ":" in host else f"{host}:{serving.port}"]}],
    }
    managers = [{"static_configs": [{"targets": ["127.0.0.1:9093"]}]}]
    config = {
        "global": {"scrape_interval": "15s", "evaluation_interval": "15s"},
        "rule_files": ["rules.yml"],
        "scrape_configs": [scrape],
        "alerting": {"alertmanagers": managers},
    }
    return json.dumps(config, indent=2) + "\n"  # YAML holds all of JSON


_README = """# Watching the server of {name}

Written by `mlops export prometheus`. Write it again after an upgrade: names of metrics come from the same place as
`/metrics`.

- `rules.yml`: alert rules. Each has a summary, and a runbook: what to look at, and what to run.
- `prometheus.yml`: a configuration of Prometheus with these rules, the server's address and an Alertmanager on this
  machine. Where Prometheus runs on another machine, put the server's address there.
- `dashboard.json`: a dashboard. In Grafana: Dashboards, New, Import; then choose the data source at its top.

To check and to start:

    promtool check config prometheus.yml
    prometheus --config.file prometheus.yml

Who is told is in the configuration of Alertmanager. What the loop finds (quality, drift, parity, the log) is not in
these rules: it sends that itself, through `[alerts.channels]` in mlops.toml.
"""
