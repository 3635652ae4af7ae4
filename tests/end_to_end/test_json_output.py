"""Each command's `--json` in the made-up project is exactly the record that is published for it.

The commands run in this process, one after the other, in one project. (Those that train, serve or make a project are
run in other tests, whose outputs are checked the same way: see `running.mlops`.)
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from outputs import read_output
from terminal import Terminal

from mlops_lab.alerts.alert import Alert
from mlops_lab.alerts.channels.run import send_alerts
from mlops_lab.cli.errors import guarded
from mlops_lab.cli.json_schemas import RECORDS
from mlops_lab.cli.records.server import DecisionEvent, ErrorEvent, PageEvent, ReadyEvent, StoppedEvent, WarningEvent
from mlops_lab.cli.watchers import JsonLines
from mlops_lab.errors import EnvironmentFault
from mlops_lab.lake import Lake
from mlops_lab.lineage.records import PredictionLineage, VersionLineage
from mlops_lab.loop.tick import Loop
from mlops_lab.project import Project
from mlops_lab.rollout.decision_log import system_user
from mlops_lab.rollout.decisions import Decision, DecisionKind
from mlops_lab.runtime.first_steps import FirstSteps
from mlops_lab.runtime.up import UpSummary
from mlops_lab.serving.process.address import Address
from mlops_lab.status.records import ProjectStatus

ELSEWHERE = {
    "alerts test": "test_alerts.py in tests/cli",
    "approve": "cli/test_approve.py",
    "config schema": "it prints a JSON schema itself: test_config.py",
    "backtest": "cli/test_backtest.py",
    "ci init": "test_ci_commands.py",
    "validate": "test_ci_commands.py",
    "drill list": "cli/test_drill.py",
    "drill run": "cli/test_drill.py",
    "demo": "test_demo.py",
    "export list": "exporters/test_exporter_conformance.py",
    "import dvc": "tools/test_import_dvc.py",
    "import mlflow": "test_import_mlflow.py",
    "env compare": "test_images.py",
    "env export": "test_images.py",
    "image build": "test_images.py",
    "forget": "test_upkeep_commands.py",
    "gc": "test_upkeep_commands.py",
    "hold create": "test_upkeep_commands.py",
    "hold list": "test_upkeep_commands.py",
    "hold release": "test_upkeep_commands.py",
    "init": "test_init.py",
    "package": "test_package.py",
    "reject": "cli/test_approve.py",
    "reproduce": "test_reproduce.py",
    **{f"learn {name}": "cli/test_learn_session.py" for name in ("check", "hint", "list", "next", "reset", "solution")},
    "learn watch": "cli/test_learn_session.py",
    **{f"lab {name}": "cli/test_lab.py" for name in ("check", "hint", "list", "start")},
    "learn tour": "test_tour.py",
    "learn export": "cli/test_learn_class.py",
    "learn report": "cli/test_learn_class.py",
    "page": "test_page.py",
    "serve": "running.py, mlops_serve",
    "tune": "test_tune.py",
}
"""Commands that train, serve or make a project, and the test that checks their output."""
EVENTS_OF_UP = {ReadyEvent, PageEvent, DecisionEvent, WarningEvent, ErrorEvent, StoppedEvent}
AT = datetime(2024, 4, 3, 10, tzinfo=UTC)


def write_rows(file: Path, rows: list[dict[str, Any]]) -> Path:
    file.write_text("".join(json.dumps(row, default=str) + "\n" for row in rows))
    return file


def test_every_output_is_the_record_that_is_published(
    template: Path,
    lived: Path,
    copy_project: Callable[..., Project],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = copy_project(lived / "promoted")
    terminal = Terminal(project.root, capsys, monkeypatch)
    run = terminal.run
    logged = Lake(project.lake_path).read("predictions").sort("at")
    asked = logged.row(-1, named=True)

    # what is so
    assert run("docs", "2", str(tmp_path / "docs")).version == 2
    status = run("status")
    assert isinstance(status, ProjectStatus)
    assert (status.champion, status.live_by.what, status.retraining.every_days) == (2, "promote", 30)
    assert [name for name, _ in status.performance.windows()][-1] == "week_before"
    assert run("diagnose").loss_since is not None
    ready = run("readiness", "--section", "infrastructure")
    assert ([section.section for section in ready.sections], ready.problems) == (["infrastructure"], [])
    assert ready.points == ready.points_by_evidence >= 5
    assert run("readiness", "--at-least", 28, code=1).points == ready.points
    assert run("doctor").project == project.name
    assert run("diagnose", "--since", "2099-01-01", code=2).error.code == "in_future"
    last = run("history").decisions[-1]
    assert all(getattr(last, name) == getattr(status.last_decision, name) for name in ("at", "what", "evidence", "by"))
    assert isinstance(run("explain", asked["id"]), PredictionLineage)
    assert isinstance(run("explain", "--version", 2), VersionLineage)
    replayed = run("replay", asked["id"], "--with", 1)
    assert (replayed.equal, replayed.logged, replayed.other.version) == (True, asked["output"], 1)
    drawn = run("replay", "--sample", 50, "--seed", 1)
    assert (drawn.predictions, drawn.equal) == (50, 50)
    assert [compared.version for compared in run("compare", 1, 2).runs] == [1, 2]
    assert len(run("features", "list").views) == 4
    assert run("features", "show", "depot_12h").over == "12h"
    assert run("features", "diff", 1).same
    assert run("features", "verify").differing == 0
    assert run("contract", "infer").tables.keys() == {"parcels", "traffic", "depots"}
    assert run("contract", "diff", "traffic").tables.keys() == {"traffic"}
    assert run("contract", "check").breaches == []
    assert run("config", "show").config.endswith("mlops.toml")
    assert read_output(["run"], (template / "run.json").read_text()).what == "bootstrap"

    # what is changed
    rows = write_rows(
        tmp_path / "traffic.jsonl", [{"depot": "a", "seen_at": AT, "load": 1.0}, {"depot": None, "seen_at": AT}]
    )
    ingested = run("ingest", "traffic", rows)
    assert (ingested.accepted, ingested.quarantined) == (1, 1)
    assert run("quarantine").waiting[0].rows == 1
    known_at = asked["at"] + timedelta(seconds=1)  # before the outcome that is there: it cannot correct it
    labels = [{"id": name, "known_at": known_at, "late": True, "delay": 1.0} for name in (asked["id"], "nobody")]
    outcomes = run("outcomes", write_rows(tmp_path / "labels.jsonl", labels), code=1)
    assert outcomes.counts["unknown"] == outcomes.counts["conflict"] == 1
    assert len(outcomes.problems) == 2
    requests = tmp_path / "requests.parquet"
    logged.head(3).select("asked_at", "depot", "customer", "items", "distance", "weight", "express").write_parquet(
        requests
    )
    assert len(run("score", requests).answers) == 3
    assert run("score", requests, "--out", tmp_path / "answers.csv").file.endswith("answers.csv")
    assert run("token", "create", "--role", "predict").token
    assert [token.name for token in run("token", "list").tokens] == ["predict-1"]
    assert run("token", "revoke", "predict-1").revoked == "predict-1"
    assert (run("key", "list").signs_with, run("key", "create").signed) == ("project", [1, 2])
    pem = tmp_path / "before.pem"
    pem.write_text(run("key", "show", "project").pem)
    assert run("key", "revoke", "project-2", code=1).error.code == "key_in_use"
    assert run("key", "revoke", "project").refused == []
    assert run("key", "trust", pem).key.name == "project"
    assert run("key", "sign", 1).signed == [1]
    assert run("export", "feast", tmp_path / "feast").rows
    assert run("export", "edge", tmp_path / "edge").agreement.rows.differing == 0
    assert run("export", "prometheus", tmp_path / "prometheus").rules
    assert run("export", "kubernetes", tmp_path / "kubernetes").version == 2
    assert run("export", "dvc", tmp_path / "dvc").stages
    assert run("export", "dagster", tmp_path / "dagster").assets
    assert run("export", "airflow", tmp_path / "airflow").dags
    assert run("export", "prefect", tmp_path / "prefect").flows
    assert run("export", "kubeflow", tmp_path / "kubeflow").pipelines
    assert run("export", "mlflow", tmp_path / "mlflow").facts["traffic"] > 0
    assert run("export", "mlserver", tmp_path / "mlserver").model == "parcels"
    assert run("export", "bentoml", tmp_path / "bentoml").bento == "parcels"
    assert run("export", "sagemaker", tmp_path / "sagemaker").percents["2"] > 0
    assert run("export", "vertex", tmp_path / "vertex").endpoint == "parcels"
    assert run("export", "azureml", tmp_path / "azureml").endpoint == "parcels"
    assert run("export", "kserve", tmp_path / "kserve").model == "parcels"
    assert run("export", "evidently", tmp_path / "evidently").days
    assert run("export", "whylogs", tmp_path / "whylogs").days
    assert run("export", "phoenix", tmp_path / "phoenix").spans > 0
    assert run("export", "kedro", tmp_path / "kedro").pipelines
    assert run("export", "metaflow", tmp_path / "metaflow").flows
    assert run("export", "lakefs", tmp_path / "lakefs").files
    assert run("export", "pachyderm", tmp_path / "pachyderm").pipelines
    assert run("export", "tecton", tmp_path / "tecton").rows
    for tracker in ("tensorboard", "wandb", "mlflow-runs", "neptune"):
        assert run("export", tracker, tmp_path / tracker).points > 0
    assert "same" in run("export", "check", "dvc", tmp_path / "dvc").files.values()
    assert run("alerts", "list").alerts == []
    alert = Alert(asked["at"], "journal", "the disk is full", "here", "look")
    send_alerts(project, Lake(project.lake_path), [alert], position=("test", 1))
    assert [item.id for item in run("alerts", "list", "--all").alerts] == [alert.id]
    assert run("alerts", "silence", alert.id[:6], "--hours", 8).rule == "journal"
    assert run("alerts", "ack", alert.id, "--by", "Ada").state == "acknowledged"
    assert run("alerts", "resolve", alert.id, "--reason", "mended").state == "resolved"
    assert [item.event for item in run("alerts", "show", alert.id).events] == ["acknowledged", "resolved"]
    assert run("alerts", "show", "nothing", code=2).error.code == "no_alert"
    assert run("alerts", "test", code=2).error.code == "no_channels"
    assert run("backup", tmp_path / "backup").files > 10
    monkeypatch.setattr(terminal, "folder", tmp_path / "restored")
    assert run("restore", tmp_path / "backup").project == "parcels"
    assert run("status").champion == 2
    monkeypatch.setattr(terminal, "folder", project.root)
    assert run("ab", "stop", code=1).error.code == "no_ab_test"
    assert run("ab", "start", 1, "--share", 0.25, "--by", "Ada").arms == {"1": 0.25}
    assert run("ab", "start", 1, "--share", 0.25, code=1).error.code == "ab_under_way"
    assert run("ab", "show").arms[0].verdict == "undecided"
    assert run("ab", "stop", "--keep", 1, code=1).error.code == "not_proved"
    assert (run("ab", "stop").champion, run("status").arms) == (2, {})
    assert run("split", 1, "--share", 0.25).arms == {"1": 0.25}
    assert run("rollback").champion == 1
    for ends, champion in ((("abort",), 1), (("promote", "--force", "--reason", "agreed with risk"), 2)):
        loop = Loop(project)
        loop.record(Decision(loop.now(), DecisionKind.SHADOW, 2, "gates", "it may be better", "test"))
        assert run("rollout", "show").challenger == 2
        paused = run("rollout", "pause", "--by", "Ada")
        assert (paused.by, paused.reason) == (system_user(), "a person asked for it (for Ada)")
        assert run("rollout", "show").progress.is_paused
        assert run("rollout", "promote", "--reason", "hurry", code=2).error.code == "not_forced"
        assert run("rollout", "resume").what == "resume"
        assert run("rollout", *ends).champion == champion
        assert run("rollout", "abort", code=1).error.code == "no_rollout"
    assert run("tick").at
    audited = run("audit", "--at", asked["at"])
    assert (asked["version"], "champion") in [(span.version, span.role) for span in audited.live]
    assert audited.answered[str(asked["version"])] >= 1
    chain = run("history", "--verify").chain
    assert (chain.faults, chain.decisions) == ([], run("status").generation)
    assert run("explain", "nobody-at-all", code=2).error.code == "unknown_prediction"

    assert terminal.commands | ELSEWHERE.keys() | {"run", "up"} == RECORDS.keys()


def test_every_event_of_up_is_a_published_record(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    address = Address(1, "127.0.0.1", 8321)
    with JsonLines(project) as lines:
        lines.server_ready(address, FirstSteps("curl", None, "mlops outcomes labels.csv", "id,late"))
        lines.server_ready(address, None)
        lines.page_ready("http://127.0.0.1:8330/")
        lines.decision_made(Decision(AT, DecisionKind.SHADOW, 2, "gates", "it is better", "loop", {"gates": []}))
        lines.warned('on 2024-04-02: 40% of "city" is missing; in training 1% was')
        lines.failed(EnvironmentFault("the server died", code="server_died", hint="look at its log"))
        lines.stopped(UpSummary(seconds=1.5, answers=3, outcomes=2, decisions=1))
    printed = capsys.readouterr().out.splitlines()
    assert {type(read_output(["up"], line)) for line in printed} == EVENTS_OF_UP
    assert set(RECORDS["up"]) == EVENTS_OF_UP
    first, again = (json.loads(line) for line in printed[:2])
    assert (first["predict"], first["outcome"]) == ("curl", None)
    assert again.keys() == {"event", "schema_version", "url", "pid"}


def test_an_error_is_a_published_record_whatever_ended_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["mlops", "status", "--json"])

    def fail(error: BaseException) -> Any:
        def run() -> None:
            raise error

        code = guarded(run)
        record = read_output(["status"], capsys.readouterr().out)
        assert record.exit_code == code
        return record.error

    assert fail(SystemExit(2)).code == "usage"
    assert fail(EnvironmentFault("the disk is full", code="disk_full")).where is None
    assert fail(OSError(13, "Permission denied", "file")).where == "file"
    assert fail(ValueError("a bug")).code == "bug"
