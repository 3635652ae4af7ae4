"""`mlops alerts`: what is listed, what is done, what a real message says, and what is refused."""

import json
import socket
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner
from webhook import open_webhook, skip_without_apprise

from mlops_lab import clock
from mlops_lab.alerts.alert import Alert
from mlops_lab.alerts.channels.run import send_alerts
from mlops_lab.alerts.delivery import deliver_alerts
from mlops_lab.cli.alerts import app
from mlops_lab.cli.records.alerts import ChannelTests
from mlops_lab.errors import InvalidInput, NotFound, Refused
from mlops_lab.lake import Lake
from mlops_lab.project import Project

YESTERDAY = clock.now() - timedelta(days=1)
LOAD = Alert(YESTERDAY, "parity", "load was served as 1.0", "prediction p1", "7 differ", about="load")
JOURNAL = Alert(YESTERDAY + timedelta(hours=1), "journal", "it was replaced", "/journal", "restore it")


@pytest.fixture
def make(write_project: Callable[..., Project], tmp_path: Path) -> Callable[..., Project]:
    """Makes a project with these channels, and two alerts."""

    def make(**channels: str) -> Project:
        lines = "".join(f'{name} = "{address}"\n' for name, address in channels.items())
        section = f"[alerts.channels]\n{lines}\n[backtest]"
        project = write_project(tmp_path, ('clock = "data"', 'clock = "wall"'), ("[backtest]", section))
        send_alerts(project, Lake(project.lake_path), [LOAD, JOURNAL], position=("test", 1))
        return project

    return make


def run(project: Project, *words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, [*words, "--project", str(project.root)], env={"COLUMNS": "200"})
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output
    return done.stdout


def run_json(project: Project, *words: str, code: int = 0) -> Any:
    return json.loads(run(project, *words, "--json", code=code))


def test_alerts_are_listed_shown_acknowledged_and_resolved(make):
    project = make()
    listed = run(project, "list")
    assert LOAD.id in listed
    assert "it was replaced" in listed
    shown = run(project, "show", LOAD.id[:6])
    for text in (
        "[parity] open", "load was served as 1.0", "where: prediction p1", "what to do: 7 differ",
        "runbook: look at the values that were served", "run `mlops features verify`",
    ):  # fmt: skip
        assert text in shown
    assert "is acknowledged" in run(project, "ack", LOAD.id, "--by", "Ada", "--reason", "looking at it")
    assert "acknowledged by Ada: looking at it" in run(project, "show", LOAD.id)
    for alert in (LOAD, JOURNAL):
        assert "is resolved" in run(project, "resolve", alert.id, "--reason", "mended")
    assert run(project, "list") == "nothing to look at: no alert is open\n"
    assert run_json(project, "list")["alerts"] == []
    assert [item["state"] for item in run_json(project, "list", "--all")["alerts"]] == ["resolved", "resolved"]
    with pytest.raises(Refused, match="is resolved already"):
        run(project, "ack", LOAD.id)


def test_as_of_an_earlier_moment_only_what_was_known_then_is_listed(make):
    project = make()
    early = (YESTERDAY + timedelta(minutes=1)).isoformat()
    assert [item["id"] for item in run_json(project, "list", "--at", early)["alerts"]] == [LOAD.id]


def test_an_alert_or_a_rule_is_silenced_for_a_time(make):
    project = make()
    assert "alerts of parity about load are not sent until" in run(project, "silence", LOAD.id, "--hours", "8")
    assert "open, silent" in run(project, "list")
    assert "silent until" in run(project, "show", LOAD.id)
    assert run(project, "silence", LOAD.id, "--hours", "0") == "alerts of parity about load are sent again\n"
    record = run_json(project, "silence", "--rule", "journal", "--by", "Ada", "--reason", "a move")
    assert (record["rule"], record["about"], record["by"], record["reason"]) == ("journal", None, "Ada", "a move")
    silenced = {item["rule"]: item["silenced_until"] for item in run_json(project, "list")["alerts"]}
    assert silenced == {"parity": None, "journal": record["until"]}


def test_what_cannot_be_silenced_is_said(make):
    project = make()
    for words in ((), (LOAD.id, "--rule", "parity")):
        with pytest.raises(InvalidInput, match="name an alert or a rule"):
            run(project, "silence", *words)
    with pytest.raises(NotFound) as caught:
        run(project, "silence", "--rule", "pariti")
    assert "parity" in str(caught.value.hint)


def test_without_a_channel_a_test_says_how_to_add_one(make):
    with pytest.raises(InvalidInput) as caught:
        run(make(), "test")
    assert "[alerts.channels]" in str(caught.value.hint)


def test_a_test_sends_a_real_message_to_each_channel_and_says_what_happened(make, monkeypatch: pytest.MonkeyPatch):
    skip_without_apprise()
    with open_webhook() as webhook, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # and nobody listens there
        monkeypatch.setenv("OPS", f"json://{webhook.address}/")
        monkeypatch.delenv("NOT_SET", raising=False)
        project = make(ops="env:OPS", dead=f"json://127.0.0.1:{closed.getsockname()[1]}/", unset="env:NOT_SET")
        record = msgspec.convert(run_json(project, "test", code=1), ChannelTests)
        assert [body["title"] for body in webhook.received] == ["tiny: a test"]
        assert {item.channel: item.result for item in record.channels} == {
            "ops": "sent",
            "dead": "failed",
            "unset": "failed",
        }
        assert "NOT_SET is not set" in record.channels[2].reason
        deliver_alerts(project, Lake(project.lake_path), now=clock.now())
        assert [body["title"] for body in webhook.received][1:] == ["tiny: 2 alerts (parity, journal)"]
        assert LOAD.id in webhook.received[1]["message"]
    shown = run_json(project, "show", LOAD.id)
    assert {item["channel"]: item["result"] for item in shown["deliveries"]} == {
        "ops": "sent", "dead": "failed", "unset": "failed",
    }  # fmt: skip
    assert "ops, attempt 1: sent" in run(project, "show", LOAD.id)
