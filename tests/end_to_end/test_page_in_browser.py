"""The page in a real browser: no violation that axe-core knows in any view, and what a person does there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from axe import fetch_axe
from driving import Browser, driving

from mlops_lab.alerts.alert import Alert
from mlops_lab.alerts.channels.table import write_alerts
from mlops_lab.clock import EPOCH
from mlops_lab.contracts.tables import SetAside
from mlops_lab.intake.quarantine import set_aside
from mlops_lab.loop.tick import Loop
from mlops_lab.project import Project, load_project
from mlops_lab.registry.store.open_registry import open_registry
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.decisions import DecisionKind
from mlops_lab.serving.http.tokens import ensure_token
from mlops_lab.tables.open_lake import open_lake
from mlops_lab.tuning.trial_result import KIND, STUDY, TRIAL
from mlops_lab.web.page_process import page_process
from mlops_lab.web.views.catalog import VIEWS

NAME = "parcels"
MORE = (
    *(
        "models?version=2",
        "models?version=2&card=1",
        "models?first=1&second=2",
        "data?table=parcels",
        "data?table=decisions",
    ),
    *(
        "features?name=items",
        "features?name=depot",
        "history?what=promote",
        "alerts?all=1",
        "runs?kind=trial",
        "nothing",
    ),
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with driving(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="module")
def axe(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fetch_axe(pytestconfig, tmp_path_factory.mktemp("axe"))


@pytest.fixture(scope="module")
def project(lived: Path, copy_project: Callable[..., Project]) -> Project:
    """A project with a promoted version, an open alert, trials, and a row in quarantine; the tests change it."""
    project = copy_project(lived / "promoted")
    lake = open_lake(project)
    alert = Alert(at=read_decisions(lake)[-1].at, rule="volume", what="few rows", where="day 33", hint="`mlops status`")
    write_alerts(lake, [alert], ("test", 1))
    row = SetAside("null", "depot", "never null", '{"depot": null, "docks": 3}')
    set_aside(lake, read_decisions(lake)[-1].at, table="depots", rows=[row])
    registry = open_registry(project)
    for number, loss in enumerate((0.5, 0.4, 0.45)):
        identity = {STUDY: "leaves", KIND: TRIAL, TRIAL: str(number)}
        run = registry.open_run(f"tune:{number}", identity=identity, tags={"state": "finished"}, moment=EPOCH)
        parameters = {"leaves": 2**number, "kind": "abc"[number]}
        registry.close_run(run, parameters=parameters, metrics={"loss": loss}, moment=EPOCH)
    return project


@pytest.fixture(scope="module")
def site(project: Project) -> Iterator[str]:
    with page_process(project, port=0) as url:
        yield f"{url}{NAME}/"


def check(browser: Browser, axe: Path, url: str, *, width: int, dark: bool) -> None:
    browser.open(url, width=width, dark=dark)
    found = browser.audit(axe)
    assert found["problems"] == [], url
    assert {"color-contrast", "html-has-lang", "document-title"} <= {*found["passed"]}
    assert (found["beyond"], found["dark"], browser.run("innerWidth")) == (0, dark, width), url


def test_now_has_no_violation_on_a_phone(browser: Browser, axe: Path, site: str) -> None:
    for dark in (False, True):
        check(browser, axe, f"{site}now", width=390, dark=dark)
    assert browser.problems == []


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1024, 1600])
def test_no_view_has_a_violation(browser: Browser, axe: Path, site: str, width: int, *, dark: bool) -> None:
    links = (re.search(rf'href="(\?{name}=[^"]+)', urlopen(f"{site}{view}").read().decode()) for view, name in
             (("runs", "run"), ("predictions", "id")))  # fmt: skip
    details = [f"{view}{link[1]}" for view, link in zip(("runs", "predictions"), links, strict=True) if link]
    assert len(details) == 2
    for view in (*VIEWS, *MORE, *details, f"{details[1]}&replay=1&with=1"):
        check(browser, axe, f"{site}{view}", width=width, dark=dark)


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_no_view_of_a_fresh_project_has_a_violation(
    browser: Browser, axe: Path, project: Project, tmp_path: Path, *, dark: bool
) -> None:
    root = tmp_path / "fresh"
    root.mkdir()
    for name in ("mlops.toml", "pipeline.py"):
        (root / name).write_bytes((project.root / name).read_bytes())
    with page_process(load_project(root), port=0) as url:
        for view in VIEWS:
            check(browser, axe, f"{url}fresh/{view}", width=390, dark=dark)


def test_an_alert_is_acknowledged_with_keys_alone(browser: Browser, site: str, project: Project) -> None:
    browser.open(f"{site}alerts")
    browser.problems.clear()  # those of the page before, whose server may have ended
    for _ in range(60):
        browser.press("Tab")
        if browser.run("document.activeElement.dataset.action") == "acknowledge":
            break
    browser.press("Enter")
    browser.wait("document.getElementById('ask').open && document.activeElement.name === 'reason'")
    browser.press("Escape")
    browser.wait("!document.getElementById('ask').open")
    assert browser.run("document.activeElement.dataset.action") == "acknowledge"
    browser.press("Enter")
    browser.wait("document.activeElement.name === 'reason'")
    browser.type("on it <b>now</b>")
    browser.press("Tab")
    browser.type("wrong")
    browser.press("Enter")
    browser.wait("document.getElementById('ask-error').textContent.length > 0")
    assert browser.run("document.getElementById('ask').open")
    browser.run("document.activeElement.select()")
    browser.type(ensure_token(project))
    browser.press("Enter")
    browser.wait("!document.getElementById('ask').open")
    browser.wait("document.querySelector('article.alert.acknowledged') !== null")
    assert "on it <b>now</b>" in browser.run("document.querySelector('article.alert').innerText")
    assert [problem for problem in browser.problems if "401" not in problem] == []


def test_a_prediction_is_answered_again_with_keys_alone(browser: Browser, axe: Path, site: str) -> None:
    link = re.search(r'href="(\?id=[^"]+)', urlopen(f"{site}predictions").read().decode())
    assert link
    browser.open(f"{site}predictions{link[1]}")
    browser.problems.clear()
    browser.run("document.querySelector('[name=with]').focus()")
    browser.run("document.activeElement.value = '1'")  # the list of a select is drawn outside of the page
    browser.press("Tab")
    assert browser.run("document.activeElement.textContent") == "Replay"
    browser.press("Enter")
    browser.wait("document.readyState === 'complete' && document.querySelector('table.exact') !== null")
    assert browser.run("document.querySelector('[data-still] .verdict').innerText") == "The same to the last bit"
    assert browser.run("location.search").endswith("&replay=1&with=1")
    assert browser.run("document.getElementById('told').hidden")
    browser.run("document.querySelector('table.exact').id = 'kept'; refresh()")
    assert browser.run("document.getElementById('kept') !== null"), "it is not computed again by itself"
    for width, dark in ((390, True), (1600, False)):
        check(browser, axe, f"{site}predictions{link[1]}&replay=1&with=1", width=width, dark=dark)
    assert browser.problems == []


def test_what_cannot_be_read_is_told_and_comes_back_by_itself(browser: Browser, site: str, project: Project) -> None:
    browser.open(f"{site}history")
    assert browser.run("document.getElementById('away').hidden")
    read_at = read_decisions(open_lake(project))[-1].at
    files = [*(project.lake_path / "decisions").glob("*.parquet")]
    for file in files:
        file.rename(file.with_suffix(".away"))
    alert = Alert(at=read_at, rule="volume", what="many rows", where="day 33", hint="`mlops status`")
    write_alerts(open_lake(project), [alert], ("away", 1))
    browser.wait("!document.getElementById('away').hidden")
    assert "What stands here may be old" in browser.run("document.getElementById('away').innerText")
    assert "decisions" in browser.run("document.querySelector('h1').textContent"), "what is known stays"
    for file in files:
        file.with_suffix(".away").rename(file)
    write_alerts(open_lake(project), [alert], ("away", 2))
    browser.wait("document.getElementById('away').hidden")
    browser.problems.clear()


def test_an_open_page_follows_a_decision_of_somebody_else(browser: Browser, site: str, project: Project) -> None:
    browser.problems.clear()
    browser.open(f"{site}now")
    assert browser.run("document.querySelector('h1').textContent") == "Version 2 answers"
    browser.run("window.isSameDocument = true")
    loop = Loop(project)
    loop.roll_back(loop.now(), by="anna", reason="it is too slow")
    browser.wait("document.querySelector('h1').textContent === 'Version 1 answers'")
    assert browser.run("window.isSameDocument")
    assert browser.problems == []
    assert read_decisions(open_lake(project))[-1].what is DecisionKind.ROLL_BACK
