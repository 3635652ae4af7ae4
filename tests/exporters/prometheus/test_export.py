"""Rules and dashboard ask only for what `/metrics` shows; promtool and Grafana's own model of a dashboard check them."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from webhook import skip_without

from mlops_lab.exporters.prometheus.alert_rules import ALERT_RULES, write_rules
from mlops_lab.exporters.prometheus.dashboard import CHARTS, make_dashboard
from mlops_lab.exporters.prometheus.export import export, write_config
from mlops_lab.project import Project, load_project
from mlops_lab.serving.answering.counts import WorkerCounts
from mlops_lab.serving.http.prometheus import COUNTERS, GAUGES, write_metrics

RELEASED = {
    "mlops_day_warnings", "mlops_deployment_failed", "mlops_deployment_generation", "mlops_live",
    "mlops_log_behind_bytes", "mlops_log_damaged_bytes", "mlops_log_damaged_places", "mlops_log_position_bytes",
    "mlops_missing_features_total", "mlops_pending_outcomes", "mlops_predictions_total", "mlops_refused_total",
    "mlops_rejected_total", "mlops_request_seconds_bucket", "mlops_request_seconds_count", "mlops_request_seconds_sum",
    "mlops_requests_total", "mlops_shadows_total", "mlops_unseen_values_total", "mlops_version_not_loaded",
}  # fmt: skip
"""Rules and dashboards that people imported ask for these: a metric that gets another name breaks them silently."""
EXPRESSIONS = [rule.expression for rule in ALERT_RULES] + [line for chart in CHARTS for line in chart.lines.values()]


def shown() -> dict[str, set[str]]:
    """The names that a server with everything to show writes, each with its labels."""
    counts = WorkerCounts(
        counted={(name, *"abc"[: len(of[2])]): 1 for name, of in COUNTERS.items()},  # type: ignore[misc]
        gauges={name: {tuple("abc"[: len(of[2])]): 1.0} for name, of in GAUGES.items()},
    )
    counts.note_request("/v1/predict", 200, seconds=0.003, reason=None)
    found: dict[str, set[str]] = {}
    for line in write_metrics({0: counts}).decode().splitlines():
        if not line.startswith("#"):
            name, _, labels = line.partition("{")
            found.setdefault(name, set()).update(re.findall(r"(\w+)=", labels))
    return found


def test_released_metrics_keep_their_names() -> None:
    assert shown().keys() >= RELEASED, "a metric was renamed: keep the name that people's dashboards ask for"


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_asks_for_what_the_server_shows(expression: str) -> None:
    names = set(re.findall(r"mlops_\w+", expression))
    assert names <= shown().keys()
    assert names or expression.startswith("up{")
    labels = {
        label for inside in re.findall(r"by \(([^)]*)\)", expression) for label in re.split(r",\s*", inside)
    } | set(re.findall(r"(\w+)[=~]+\"", expression))
    known = {label for name in names for label in shown()[name]} | ({"job"} if "up{" in expression else set())
    assert labels <= known, "it groups by a label that the metric does not have"


def test_legends_and_summaries_name_labels_that_are_there() -> None:
    for chart in CHARTS:
        for legend, expression in chart.lines.items():
            grouped = re.findall(r"by \(([^)]*)\)", expression)
            assert set(re.findall(r"{{(\w+)}}", legend)) <= {label for by in grouped for label in re.split(r",\s*", by)}
    for rule in ALERT_RULES:
        grouped = re.findall(r"by \(([^)]*)\)", rule.expression)
        used = set(re.findall(r"\$labels\.(\w+)", rule.summary))
        assert used <= {label for by in grouped for label in re.split(r",\s*", by)}, rule.name


def test_every_rule_says_what_to_look_at_and_what_to_run() -> None:
    assert len({rule.name for rule in ALERT_RULES}) == len(ALERT_RULES)
    for rule in ALERT_RULES:
        assert re.fullmatch(r"look at .+; (run|load) .*`mlops \w+.*", rule.runbook) or "run `mlops" in rule.runbook
    (group,) = yaml.safe_load(write_rules(ALERT_RULES))["groups"]
    assert [rule["alert"] for rule in group["rules"]] == [rule.name for rule in ALERT_RULES]
    assert [rule["annotations"]["runbook"] for rule in group["rules"]] == [rule.runbook for rule in ALERT_RULES]


@pytest.fixture
def exported(write_project: Callable[..., Project], tmp_path: Path) -> Path:
    folder = tmp_path / "exported"
    folder.mkdir()
    export(write_project(tmp_path), folder)
    return folder


def promtool(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which("promtool")
    skip_without("promtool", is_there=program is not None, install="apt install prometheus")
    return subprocess.run([str(program), *words], cwd=folder, capture_output=True, text=True, check=False)


def test_promtool_accepts_rules_and_configuration(exported: Path) -> None:
    done = promtool("check", "config", "prometheus.yml", folder=exported)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(ALERT_RULES)} rules found" in done.stdout
    (exported / "rules.yml").write_text(
        (exported / "rules.yml").read_text().replace("max by (version)", "max by version")
    )
    assert promtool("check", "rules", "rules.yml", folder=exported).returncode != 0


SERIES = {
    "MlopsServerDown": {'up{job="mlops"}': "0+0x60"},
    "MlopsErrors": {
        'mlops_requests_total{route="/v1/predict",status="500",worker="0"}': "0+2x60",
        'mlops_requests_total{route="/v1/predict",status="200",worker="0"}': "0+98x60",
    },
    "MlopsSlow": {
        'mlops_request_seconds_bucket{route="/v1/predict",le="0.5",worker="0"}': "0+90x60",
        'mlops_request_seconds_bucket{route="/v1/predict",le="1",worker="0"}': "0+100x60",
        'mlops_request_seconds_bucket{route="/v1/predict",le="+Inf",worker="0"}': "0+100x60",
    },
    "MlopsRefused": {
        'mlops_refused_total{view="v",reason="r",worker="0"}': "0+10x60",
        'mlops_predictions_total{version="1",role="champion",worker="0"}': "0+90x60",
    },
    "MlopsMissingFeatures": {
        'mlops_missing_features_total{view="v",reason="r",worker="0"}': "0+30x60",
        'mlops_predictions_total{version="1",role="champion",worker="0"}': "0+90x60",
    },
    "MlopsDeploymentFailed": {'mlops_deployment_failed{worker="0"}': "1+0x60"},
    "MlopsVersionNotLoaded": {'mlops_version_not_loaded{version="3",worker="0"}': "1+0x60"},
    "MlopsLogBehind": {'mlops_log_behind_bytes{where="lake",worker="0"}': "2e9+0x60"},
    "MlopsLogDamaged": {'mlops_log_damaged_places{worker="0"}': "0+0x40 1+0x20"},
    "MlopsDayWarnings": {'mlops_day_warnings{worker="0"}': "2+0x60"},
}
"""Of each rule: what the server shows in an hour, at the end of which the rule fires."""


def test_each_rule_fires_for_what_it_is_about_and_for_nothing_else(exported: Path) -> None:
    """A healthy server fires none; `promtool test rules` evaluates them as Prometheus does."""
    assert SERIES.keys() == {rule.name for rule in ALERT_RULES}
    healthy = {
        'up{job="mlops"}': "1+0x60",
        'mlops_requests_total{route="/v1/predict",status="200",worker="0"}': "0+100x60",
        'mlops_request_seconds_bucket{route="/v1/predict",le="0.01",worker="0"}': "0+100x60",
        'mlops_request_seconds_bucket{route="/v1/predict",le="+Inf",worker="0"}': "0+100x60",
        'mlops_predictions_total{version="1",role="champion",worker="0"}': "0+100x60",
        'mlops_deployment_failed{worker="0"}': "0+0x60",
        'mlops_log_behind_bytes{where="lake",worker="0"}': "1000+0x60",
        'mlops_log_damaged_places{worker="0"}': "1+0x60",
        'mlops_day_warnings{worker="0"}': "0+0x60",
    }
    tests = []
    for fires, series in {None: healthy, **SERIES}.items():
        checks = [
            {"expr": f'count(ALERTS{{alertstate="firing",alertname="{name}"}}) or vector(0)', "eval_time": "55m",
             "exp_samples": [{"labels": "{}", "value": float(name == fires)}]}
            for name in SERIES
        ]  # fmt: skip
        inputs = [{"series": name, "values": values} for name, values in series.items()]
        tests.append({"interval": "1m", "input_series": inputs, "promql_expr_test": checks})
    file = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": tests}
    (exported / "tests.yml").write_text(json.dumps(file))
    done = promtool("test", "rules", "tests.yml", folder=exported)
    assert done.returncode == 0, done.stdout + done.stderr


def find_lost(written: Any, read: Any, path: str = "$") -> list[str]:
    """The places of what was written and is not read back."""
    if isinstance(written, dict) and isinstance(read, dict):
        return [lost for name, value in written.items() for lost in find_lost(value, read.get(name), f"{path}.{name}")]
    if isinstance(written, list) and isinstance(read, list) and len(written) == len(read):
        pairs = enumerate(zip(written, read, strict=True))
        return [lost for place, (one, other) in pairs for lost in find_lost(one, other, f"{path}[{place}]")]
    return [] if written == read else [path]


def test_grafanas_own_model_knows_every_field_of_the_dashboard() -> None:
    is_there = importlib.util.find_spec("grafana_foundation_sdk") is not None
    skip_without("grafana-foundation-sdk", is_there=is_there, install="make test installs it")
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.models.dashboard import Dashboard

    register_default_plugins()
    dashboard = make_dashboard("shop")
    read = json.loads(json.dumps(Dashboard.from_json(dashboard), cls=JSONEncoder))
    assert find_lost(dashboard, read) == [], "fields that Grafana does not know, or that have another form there"
    panel = dashboard["panels"][0]
    panel["gridPos"]["width"] = panel["targets"][0]["expression"] = panel["titel"] = 1
    read = json.loads(json.dumps(Dashboard.from_json(dashboard), cls=JSONEncoder))
    assert find_lost(dashboard, read) == [
        "$.panels[0].gridPos.width", "$.panels[0].targets[0].expression", "$.panels[0].titel",
    ]  # fmt: skip


def test_the_dashboard_has_a_chart_for_each_part_and_they_do_not_overlap() -> None:
    panels = make_dashboard("shop")["panels"]
    assert [panel["title"] for panel in panels] == [chart.title for chart in CHARTS]
    places = {(x, y) for panel in panels for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
              for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])}  # fmt: skip
    assert len(places) == sum(panel["gridPos"]["w"] * panel["gridPos"]["h"] for panel in panels)
    assert max(x for x, _ in places) < 24


@pytest.mark.parametrize(
    ("flags", "scheme", "target"),
    [
        ([], "http", "127.0.0.1:8321"),
        (["serving.host=0.0.0.0", "serving.port=9000"], "http", "127.0.0.1:9000"),
        (["serving.host=::1"], "http", "[::1]:8321"),
        (["serving.tls_certificate=a.pem", "serving.tls_key=b.pem"], "https", "127.0.0.1:8321"),
    ],
)
def test_the_configuration_names_the_server(write_project, tmp_path: Path, flags: list[str], scheme: str, target: str):
    write_project(tmp_path)
    (scrape,) = json.loads(write_config(load_project(tmp_path, flags=flags)))["scrape_configs"]
    assert (scrape["scheme"], scrape["static_configs"]) == (scheme, [{"targets": [target]}])
