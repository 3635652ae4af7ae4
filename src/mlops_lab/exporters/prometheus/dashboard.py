"""The dashboard for Grafana (its JSON model, schema version 36)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlops_lab.exporters.prometheus.names import metric, percentile, rate

SCHEMA_VERSION = 36
_SOURCE = {"type": "prometheus", "uid": "${source}"}
_COLUMNS, _HEIGHT, _WIDTH = 2, 8, 12


@dataclass(frozen=True)
class Chart:
    """A chart: its title, the unit of its values as Grafana names it, and its expressions by their legends."""

    title: str
    unit: str
    lines: Mapping[str, str]


CHARTS = (
    Chart("Requests", "reqps", {"{{route}} {{status}}": rate("requests", by="route, status")}),
    Chart(
        "Time to answer",
        "s",
        {name: percentile(share) for name, share in (("median", 0.5), ("95 %", 0.95), ("99 %", 0.99))},
    ),
    Chart("Predictions", "rowsps", {"version {{version}} {{role}}": rate("answered", by="version, role")}),
    Chart(
        "Rows for a version in shadow",
        "rowsps",
        {"version {{version}} {{result}}": rate("shadows", by="version, result")},
    ),
    Chart("Rows refused", "rowsps", {"{{view}}: {{reason}}": rate("refused", by="view, reason")}),
    Chart("Rows with defaults", "rowsps", {"{{view}}: {{reason}}": rate("missing", by="view, reason")}),
    Chart("Texts that were not in training", "ops", {"{{input}}": rate("unseen", by="input")}),
    Chart("Requests rejected", "reqps", {"{{route}}: {{reason}}": rate("rejected", by="route, reason")}),
    Chart("Predictions that wait for their outcome", "short", {"waiting": f"sum({metric('pending')})"}),
    Chart(
        "Versions that are loaded",
        "short",
        {"version {{version}} {{role}}": f"max by (version, role) ({metric('live')})"},
    ),
    Chart(
        "Decisions in effect",
        "short",
        {"first worker": f"max({metric('generation')})", "last worker": f"min({metric('generation')})"},
    ),
    Chart("Log that is not there yet", "bytes", {"{{where}}": f"max by (where) ({metric('log_behind')})"}),
    Chart(
        "What is wrong",
        "short",
        {
            "workers without the newest decision": f"sum({metric('not_deployed')})",
            "versions not loaded": f"count({metric('not_loaded')} > 0)",
            "damaged places of the log": f"sum({metric('log_damaged_places')})",
            "warnings of the last day": f"max({metric('day_warnings')})",
        },
    ),
)


def make_dashboard(project: str, charts: Sequence[Chart] = CHARTS) -> dict[str, Any]:
    """The dashboard of a project, which Grafana imports. Its data source is chosen at the top of the page."""
    source = {"type": "datasource", "name": "source", "label": "Data source", "query": "prometheus"}
    return {
        "uid": f"mlops-{project}"[:40],
        "title": f"MLOps Lab: {project}",
        "tags": ["mlops-lab"],
        "timezone": "browser",
        "editable": True,
        "fiscalYearStartMonth": 0,
        "schemaVersion": SCHEMA_VERSION,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [source]},
        "panels": [_panel(number, chart) for number, chart in enumerate(charts)],
    }


def _panel(number: int, chart: Chart) -> dict[str, Any]:
    row, column = divmod(number, _COLUMNS)
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": chart.title,
        "transparent": False,
        "datasource": _SOURCE,
        "gridPos": {"x": column * _WIDTH, "y": row * _HEIGHT, "w": _WIDTH, "h": _HEIGHT},
        "fieldConfig": {"defaults": {"unit": chart.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + place), "expr": expression, "legendFormat": legend, "datasource": _SOURCE}
            for place, (legend, expression) in enumerate(chart.lines.items())
        ],
    }
