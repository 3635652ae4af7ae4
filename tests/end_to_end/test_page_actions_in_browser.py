"""What a person does on the page, in a real browser and with keys alone: each action writes its decision, and what is
refused says why."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from driving import Browser, driving
from waiting_rollout import write_waiting_rollout

from mlops_lab.alerts.alert import Alert
from mlops_lab.alerts.channels.table import write_alerts
from mlops_lab.contracts.tables import SetAside
from mlops_lab.intake.quarantine import set_aside
from mlops_lab.loop.tick import Loop
from mlops_lab.project import Project
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.decisions import DecisionKind
from mlops_lab.serving.http.tokens import create_token, ensure_token
from mlops_lab.tables.open_lake import open_lake
from mlops_lab.web.actions import ACTIONS

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "steered": ("pause", "resume", "abort"),
    "promoted": ("promote",),
    "approved": ("approve",),
    "rejected": ("reject",),
    "parcels": ("acknowledge", "silence", "resolve", "replay-quarantine", "roll-back"),
}
"""By project the actions that are taken there, in this order."""
VIEWS = {
    "acknowledge": "alerts",
    "silence": "alerts",
    "resolve": "alerts",
    "replay-quarantine": "data",
    "roll-back": "now",
}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with driving(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="module")
def projects(
    tiny: Any, lived: Path, copy_project: Callable[..., Project], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Project]:
    """Four rollouts, three of which wait for an approval, and a project with a promoted version, an alert and a row set aside."""
    folder = tmp_path_factory.mktemp("projects")
    found = {name: write_waiting_rollout(tiny, folder / name) for name in SECTIONS if name != "parcels"}
    settings = found["promoted"].root / "mlops.toml"
    settings.write_text(settings.read_text().partition("[approval]")[0])
    for project in found.values():
        Loop(project).tick(tiny.now)
    parcels = copy_project(lived / "promoted")
    lake = open_lake(parcels)
    at = read_decisions(lake)[-1].at
    write_alerts(lake, [Alert(at=at, rule="volume", what="few rows", where="day 33", hint="`mlops status`")], ("t", 1))
    row = json.dumps({**lake.read("depots").drop("received_at", "received_as", strict=False).row(0, named=True)})
    set_aside(lake, at, table="depots", rows=[SetAside("null", "depot", "never null", row)])
    return found | {"parcels": parcels}


@pytest.fixture(scope="module")
def site(projects: dict[str, Project]) -> Iterator[str]:
    """The page of all of them, as `mlops page` serves it."""
    start = "from mlops_lab.cli import main; main()"
    first, *others = [str(project.root) for project in projects.values()]
    command = [sys.executable, "-c", start, "page", *others, "--project", first, "--port", "0", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())["page"]
    finally:
        process.terminate()
        process.wait(timeout=20)
        process.stdout.close()


def go_to(browser: Browser, element: str) -> None:
    """Press Tab until the focus is there."""
    for _ in range(80):
        if browser.run(f"document.activeElement === {element}"):
            return
        browser.press("Tab")
    pytest.fail(f"no key leads to {element}")


def ask(browser: Browser, action: str) -> None:
    """Press the button of the action, with keys alone: the page asks why, and for a token."""
    button = f"document.querySelector('[data-action={action}]')"
    browser.wait(f"{button} !== null")
    browser.run("document.getElementById('told').hidden = true")
    go_to(browser, button)
    browser.press("Enter")
    browser.wait("document.getElementById('ask').open && document.activeElement.name === 'reason'")


def answer(browser: Browser, reason: str, token: str) -> None:
    for name, value in (("reason", reason), ("token", token)):
        go_to(browser, f"document.querySelector('#ask [name={name}]')")
        browser.run("document.activeElement.select()")
        browser.type(value)
    browser.press("Enter")


def refusal(browser: Browser) -> str:
    browser.wait("document.getElementById('ask-error').textContent !== ''")
    text = browser.run("document.getElementById('ask-error').textContent")
    browser.run("document.getElementById('ask-cancel').click()")
    return str(text)


def test_every_action_is_taken_here() -> None:
    assert sorted(action for actions in SECTIONS.values() for action in actions) == sorted(ACTIONS)


def test_who_is_refused_is_told_why_and_nothing_changes(
    browser: Browser, site: str, projects: dict[str, Project]
) -> None:
    project = projects["steered"]
    before = len(read_decisions(open_lake(project)))
    browser.open(f"{site}steered/rollout")
    ask(browser, "pause")
    answer(browser, "why", "wrong")
    assert "The token is missing or wrong." in refusal(browser)
    assert len(read_decisions(open_lake(project))) == before
    ask(browser, "pause")
    loop = Loop(project)
    for what in (DecisionKind.PAUSE, DecisionKind.RESUME):
        loop.steer(loop.now(), what, by="anna", reason="she was faster")
    answer(browser, "why", ensure_token(project))
    assert "Something was decided since this page was shown." in refusal(browser)
    assert len(read_decisions(open_lake(project))) == before + 2


@pytest.mark.parametrize("name", SECTIONS)
def test_each_action_does_what_the_command_does(
    browser: Browser, site: str, projects: dict[str, Project], name: str
) -> None:
    project = projects[name]
    token = create_token(project, "operate", name="bob")[1]
    for action in SECTIONS[name]:
        browser.open(f"{site}{name}/{VIEWS.get(action, 'rollout')}")
        ask(browser, action)
        answer(browser, f"why <b>{action}</b>", token)
        browser.wait("!document.getElementById('told').hidden || document.getElementById('ask-error').textContent")
        assert browser.run("document.getElementById('ask-error').textContent") == ""
        assert browser.run("document.getElementById('told').textContent").startswith("Done: ")
        assert not browser.run("document.getElementById('ask').open")
    lake = open_lake(project)
    reasons = {item.reason for item in read_decisions(lake) if item.by == "token:bob"}
    for table, column in (("alert_events", "reason"), ("quarantine", "why")) if name == "parcels" else ():
        reasons |= {*lake.read(table).filter(by="token:bob")[column]}
    assert reasons == {f"why <b>{action}</b>" for action in SECTIONS[name]}
