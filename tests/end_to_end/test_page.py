"""The page: every view and every action over a project that has lived, and what is refused."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from operator import attrgetter
from pathlib import Path
from urllib.request import urlopen
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from own_stores import own_registry
from running import mlops, serving, until
from starlette.testclient import TestClient
from synthetic import World, ask, day_begin
from waiting_rollout import write_waiting_rollout

from mlops_lab.alerts.alert import Alert
from mlops_lab.alerts.channels.table import write_alerts
from mlops_lab.alerts.states import read_statuses
from mlops_lab.clock import EPOCH, day_start, days_after
from mlops_lab.contracts.tables import SetAside
from mlops_lab.intake.quarantine import set_aside
from mlops_lab.lineage.compare import compare_runs
from mlops_lab.lineage.explain import explain
from mlops_lab.loop.tick import Loop
from mlops_lab.project import Project, load_project
from mlops_lab.registry.store.open_registry import open_registry
from mlops_lab.registry.store.stored_runs import read_runs, read_versions
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.decisions import DecisionKind
from mlops_lab.rollout.guardrails import GUARDRAILS
from mlops_lab.serving.http.tokens import create_token, ensure_token
from mlops_lab.tables.declared import PREDICTIONS
from mlops_lab.tables.open_lake import open_lake
from mlops_lab.tuning.trial_result import KIND, STUDY, TRIAL
from mlops_lab.web.app import make_app
from mlops_lab.web.live import state_of
from mlops_lab.web.page_process import page_process
from mlops_lab.web.status import status_of, troubles_of
from mlops_lab.web.traffic import read_traffic
from mlops_lab.web.views.catalog import VIEWS
from mlops_lab.web.views.rollout import look_at_guardrails

HOST = "127.0.0.1"
NAME = "parcels"


def open_client(*projects: Project) -> TestClient:
    return TestClient(make_app(projects, host=HOST), base_url=f"http://{HOST}", follow_redirects=False)


@pytest.fixture(scope="module")
def project(lived: Path, copy_project: Callable[..., Project]) -> Project:
    """A project with a promoted version, and an open alert."""
    project = copy_project(lived / "promoted")
    lake = open_lake(project)
    moment = read_decisions(lake)[-1].at
    alert = Alert(at=moment, rule="volume", what="few <b>rows</b>", where="day 33", hint="`mlops status`")
    write_alerts(lake, [alert], ("test", 1))
    return project


@pytest.fixture(scope="module")
def page(project: Project) -> Iterator[TestClient]:
    with open_client(project) as client:
        yield client


def table_versions(project: Project) -> dict[str, int]:
    lake = open_lake(project)
    return {name: lake.version(name) for name in lake.tables()}


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_answers_and_changes_nothing(page: TestClient, project: Project, view: str) -> None:
    before = table_versions(project)
    answer = page.get(f"/{NAME}/{view}")
    assert answer.status_code == 200
    assert VIEWS[view].title in answer.text
    assert f"<code>{VIEWS[view].command}</code>" in answer.text
    assert f'aria-current="page">{VIEWS[view].title}' in answer.text
    assert len(answer.content) < 300 * 1024
    assert table_versions(project) == before


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_loads_nothing_from_elsewhere_and_runs_no_script_of_its_own(page: TestClient, view: str) -> None:
    answer = page.get(f"/{NAME}/{view}")
    assert "'unsafe" not in answer.headers["content-security-policy"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not re.search(r"<script(?! src=\"/static/)|<[^>]+ on\w+=|<[^>]+ style=|<style", answer.text)
    assert set(re.findall(r'(?:src|href)="(https?:[^"]+)', answer.text)) == set()


def test_every_link_leads_somewhere(page: TestClient) -> None:
    found, waiting, places = set(), [f"/{NAME}/now"], set()
    ids: dict[str, set[str]] = {}
    while waiting:
        path = waiting.pop()
        answer = page.get(path)
        assert answer.status_code == 200, path
        ids[path] = {*re.findall(r'id="([^"]+)"', answer.text)}
        for link in re.findall(r'href="([^"]*#[^"]+)"', answer.text):
            target, _, place = str(answer.url.join(link)).removeprefix(f"http://{HOST}").partition("#")
            places.add((target, place))
        for link in re.findall(r'href="([^"#]+)', answer.text):
            if link.startswith(("data:", "?id=")) or "predictions?id=" in link:
                continue
            target = str(answer.url.join(link).copy_with(fragment=None)).removeprefix(f"http://{HOST}")
            if target not in found:
                found.add(target)
                waiting.append(target)
    assert f"/{NAME}/models?version=2" in found
    assert [link for link in places if link[1] not in ids.get(link[0], ())] == []
    assert any(target == f"/{NAME}/history" and place.startswith("decision-") for target, place in places)


def test_now_says_what_answers_and_that_something_is_wrong(page: TestClient) -> None:
    text = page.get(f"/{NAME}/now").text
    assert "<h1>Version 2 answers</h1>" in text
    assert "Look here" in text
    assert "1 open alert, the server is not running" in text
    assert 'aria-label="Log loss by day"' in text


def test_a_version_shows_its_gates_and_its_lineage(page: TestClient) -> None:
    text = page.get(f"/{NAME}/models?version=2").text
    for word in ("training set", "environment", "sanity", "mlops explain --version 2"):
        assert word in text


def test_a_prediction_is_found_by_its_id(page: TestClient, project: Project) -> None:
    text = page.get(f"/{NAME}/predictions").text
    ids = re.findall(r'href="\?id=([^"]+)', text)
    assert len(ids) == 20
    text = page.get(f"/{NAME}/predictions?id={ids[0]}").text
    assert "features" in text
    assert f"mlops replay {ids[0]}" in text
    features = explain(project, ids[0], takes_in=False).features
    assert features["items"] is not None
    assert f'<th scope="row">items</th><td>{features["items"]}</td>' in text


def test_predictions_are_searched_by_day_and_key(page: TestClient, project: Project) -> None:
    field = project.settings.source.key
    assert field
    rows = PREDICTIONS.read(open_lake(project), columns=["id", "at", field]).sort("at")
    _, at, key = rows.row(0)
    day = f"{at.astimezone(ZoneInfo(project.timezone)):%Y-%m-%d}"
    start = day_start(date.fromisoformat(day), project.timezone)
    same = rows.filter(pl.col("at") < days_after(start, 1, project.timezone), pl.col(field).cast(pl.String) == str(key))
    text = page.get(f"/{NAME}/predictions", params={"on": day, "key": str(key)}).text
    assert set(re.findall(r'href="\?id=([^"]+)', text)) == set(same.sort("at", descending=True)["id"].head(20))
    assert f"The newest of {day}, of {field} {key}" in text
    text = page.get(f"/{NAME}/predictions", params={"on": day, "key": "<i>"}).text
    assert f"No prediction that the loop has taken in fits on {day}" in text
    assert "&lt;i&gt;" in text
    assert page.get(f"/{NAME}/predictions", params={"on": "tomorrow"}).status_code == 400
    assert page.get(f"/{NAME}/predictions", params={"version": "99"}).text.count("?id=") == 0


def test_the_history_is_filtered(page: TestClient) -> None:
    whole = page.get(f"/{NAME}/history").text
    promoted = page.get(f"/{NAME}/history?what=promote").text
    assert whole.count('<li id="decision-') > promoted.count('<li id="decision-') == 1
    assert 'value="promote" selected' in promoted
    assert page.get(f"/{NAME}/history?words=nobody+said+this").text.count('<li id="decision-') == 0


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("models?version=99", 404, "99"),
        ("models?version=one", 400, "not the number of a version"),
        ("predictions?id=%3Cscript%3Ealert(1)%3C/script%3E", 404, "&lt;script&gt;"),
        ("nothing", 404, "nothing is at"),
        ("../other/now", 404, "is at"),
    ],
)
def test_a_wrong_address_gets_a_word_and_no_traceback(page: TestClient, path: str, status: int, word: str) -> None:
    answer = page.get(f"/{NAME}/{path}")
    assert answer.status_code == status
    assert word in answer.text.replace("Nothing", "nothing")
    assert "<script>alert" not in answer.text
    assert "Traceback" not in answer.text


def test_texts_of_alerts_are_no_html(page: TestClient) -> None:
    text = page.get(f"/{NAME}/alerts").text
    assert "few &lt;b&gt;rows&lt;/b&gt;" in text
    assert "<code>mlops status</code>" in text


def test_a_project_without_a_version_names_the_next_command(tmp_path: Path, project: Project) -> None:
    root = tmp_path / "fresh"
    root.mkdir()
    for name in ("mlops.toml", "pipeline.py"):
        (root / name).write_bytes((project.root / name).read_bytes())
    with open_client(load_project(root)) as client:
        for view in VIEWS:
            assert client.get(f"/fresh/{view}").status_code == 200, view
        assert "<code>mlops up</code>" in client.get("/fresh/now").text


def test_several_projects_have_one_page(
    page: TestClient, project: Project, copy_project: Callable[..., Project]
) -> None:
    other = copy_project(project.root)
    moved = other.root.rename(other.root.with_name("other"))
    with open_client(project, load_project(moved)) as client:
        text = client.get("/").text
        assert f'href="/{NAME}/now"' in text
        assert 'href="/other/now"' in text
        assert text.count("Version 2 answers.") == 2
        assert text.count("1 open alert, the server is not running") == 2
        assert client.get("/other/history").status_code == 200
    for file in (other.root.with_name("other") / ".mlops/lake/decisions").glob("*.parquet"):
        file.unlink()
    with open_client(project, load_project(moved.rename(moved.with_name("broken")))) as client:
        text = client.get("/").text
        assert text.count("Version 2 answers.") == 1
        assert "Its state cannot be read." in text
    assert page.get("/").headers["location"] == f"/{NAME}/now"


# ---- actions -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def own(project: Project, copy_project: Callable[..., Project]) -> Iterator[tuple[TestClient, Project]]:
    """A project that a test may change."""
    copied = copy_project(project.root)
    with open_client(copied) as client:
        yield client, copied


def do(client: TestClient, action: str, body: object, *, token: str, **headers: str) -> tuple[int, dict]:
    answer = client.post(f"/{NAME}/do/{action}", json=body, headers={"Authorization": f"Bearer {token}", **headers})
    return answer.status_code, answer.json()


def test_a_rollback_is_the_same_decision_as_by_command(own: tuple[TestClient, Project]) -> None:
    client, project = own
    generation = Loop(project).state.generation
    status, answer = do(
        client, "roll-back", {"reason": "it is too slow", "expects": generation}, token=ensure_token(project)
    )
    assert (status, answer["done"].endswith("version 1 answers")) == (200, True)
    last = read_decisions(open_lake(project))[-1]
    assert (last.what, last.version, last.reason, last.by) == (
        DecisionKind.ROLL_BACK,
        1,
        "it is too slow",
        "token:local",
    )
    assert "it is too slow" in client.get(f"/{NAME}/history").text.lower()
    assert "<h1>Version 1 answers</h1>" in client.get(f"/{NAME}/now").text


def test_an_alert_is_acknowledged_silenced_and_resolved(own: tuple[TestClient, Project]) -> None:
    client, project = own
    token = create_token(project, "operate", name="anna")[1]
    lake = open_lake(project)
    alert = next(one for one in read_statuses(project, lake, now=Loop(project).now()) if one.last.rule == "volume").id
    assert do(client, "acknowledge", {"reason": "on it", "alert": alert}, token=token)[0] == 200
    assert do(client, "silence", {"reason": "known", "alert": alert, "hours": 2}, token=token)[0] == 200
    text = client.get(f"/{NAME}/alerts").text
    assert "by token:anna: on it" in text
    titles = {re.findall("<title>(.+) .+ · ", client.get(f"/{NAME}/{view}").text)[0] for view in VIEWS}
    assert titles == {f"({len(troubles_of(status_of(project)))})"}, "each tab tells that there is something to look at"
    assert "silent until" in text
    assert do(client, "resolve", {"reason": "over", "alert": alert}, token=token)[0] == 200
    status, answer = do(client, "resolve", {"reason": "over", "alert": alert}, token=token)
    assert (status, answer["error"]["code"]) == (403, "alert_closed")


def test_what_may_not_be_is_refused_and_nothing_changes(own: tuple[TestClient, Project]) -> None:
    client, project = own
    good = ensure_token(project)
    before = table_versions(project)
    cases = [
        (do(client, "roll-back", {"reason": "x"}, token="wrong"), 401, "bad_token"),
        (do(client, "roll-back", {"reason": "x"}, token=create_token(project, "predict")[1]), 403, "wrong_role"),
        (do(client, "roll-back", {"reason": " "}, token=good), 400, "no_reason"),
        (do(client, "roll-back", {}, token=good), 400, "bad_action"),
        (do(client, "roll-back", {"reason": "x", "expects": 1}, token=good), 409, "decided_meanwhile"),
        (do(client, "roll-back", {"reason": "x" * 20_000}, token=good), 413, "too_large"),
        (do(client, "pause", {"reason": "x"}, token=good), 403, "no_rollout"),
        (do(client, "silence", {"reason": "x", "alert": "?", "hours": -1}, token=good), 400, "bad_hours"),
        (do(client, "acknowledge", {"reason": "x", "alert": "nope"}, token=good), 404, "no_alert"),
        (do(client, "explode", {"reason": "x"}, token=good), 404, "no_page"),
        (do(client, "roll-back", {"reason": "x"}, token=good, Origin="http://evil.example"), 403, "cross_site"),
        (do(client, "roll-back", {"reason": "x"}, token=good, Host="evil.example"), 403, "wrong_host"),
    ]
    for (status, answer), expected, code in cases:
        assert (status, answer["error"]["code"]) == (expected, code)
    assert client.post(f"/{NAME}/do/roll-back", json={"reason": "x"}).status_code == 401, "no token at all"
    form = client.post(f"/{NAME}/do/roll-back", data={"reason": "x"}, headers={"Origin": f"http://{HOST}"})
    assert form.status_code == 415
    assert table_versions(project) == before


def test_what_is_live_follows_a_decision(own: tuple[TestClient, Project]) -> None:
    client, project = own
    before = state_of(project)
    assert state_of(project) == before
    do(client, "roll-back", {"reason": "x"}, token=ensure_token(project))
    assert state_of(project)["decisions"] == before["decisions"] + 1


def test_a_second_person_approves_or_rejects_a_step(tiny: object, tmp_path: Path) -> None:
    project = write_waiting_rollout(tiny, tmp_path / "project")
    project = load_project(project.root, flags=['gates.slices=["shop"]', "gates.slice_min_rows=60"])
    Loop(project).tick(tiny.now)
    name = project.root.name
    ada, bob = (create_token(project, "operate", name=person)[1] for person in ("ada", "bob"))
    with open_client(project) as client:

        def act(action: str, token: str) -> tuple[int, dict]:
            head = {"Authorization": f"Bearer {token}"}
            answer = client.post(f"/{name}/do/{action}", json={"reason": "I looked <b>twice</b>"}, headers=head)
            return answer.status_code, answer.json()

        text = client.get(f"/{name}/rollout").text
        assert "It waits for the approval of 1 person other than ada" in text
        assert "Groups of requests" in text
        assert f'<th scope="row">shop=a</th><td>60</td><td>{math.log(0.6 / 0.5):+.4f}</td>' in text
        status, refused = act("approve", ada)
        assert (status, "your own" in refused["error"]["what"]) == (403, True)
        assert act("approve", bob)[1]["done"].startswith("canary of version 2 is approved by token:bob")
        assert "the loop takes it at its next tick. Approved by token:bob" in client.get(f"/{name}/rollout").text
        assert act("reject", bob) == (200, {"done": "version 2 was rejected; version 1 answers"})
        assert act("approve", bob)[1]["error"]["code"] == "nothing_waits"
        assert "I looked &lt;b&gt;twice&lt;/b&gt;" in client.get(f"/{name}/history").text


# ---- data, features, runs, lineage -------------------------------------------------------------------------------------


def test_data_shows_tables_versions_and_the_contract(page: TestClient) -> None:
    text = page.get(f"/{NAME}/data").text
    for table in ("parcels", "traffic", "depots", "predictions", "decisions"):
        assert f'href="?table={table}"' in text
    text = page.get(f"/{NAME}/data?table=parcels").text
    for word in ("Contract", "depot", "string", "never null", "The newest versions", "write"):
        assert word in text
    assert "the kind: retrain" in page.get(f"/{NAME}/data?table=decisions").text
    assert page.get(f"/{NAME}/data?table=%3Cb%3E").status_code == 404


def test_data_shows_what_waits_in_quarantine_and_why(own: tuple[TestClient, Project]) -> None:
    client, project = own
    lake = open_lake(project)
    row = SetAside("range", "items", "at most 10 <b>pieces</b>", '{"parcel_id": "p1", "items": 99}')
    set_aside(lake, read_decisions(lake)[-1].at, table="parcels", rows=[row])
    text = client.get(f"/{NAME}/data").text
    assert "at most 10 &lt;b&gt;pieces&lt;/b&gt;" in text
    assert "items=99" in text
    assert "mlops quarantine --replay" in text


def test_rows_that_keep_the_contract_by_now_are_brought_in(own: tuple[TestClient, Project]) -> None:
    client, project = own
    lake, token = open_lake(project), ensure_token(project)
    known = lake.read("depots").drop("received_at", "received_as", strict=False).row(0, named=True)
    rows = [json.dumps({**known, **change}, default=str) for change in ({"depot": "new"}, {"depot": None})]
    moment = read_decisions(lake)[-1].at
    set_aside(lake, moment, table="depots", rows=[SetAside("null", "depot", "never null", row) for row in rows])
    assert 'data-action="replay-quarantine"' in client.get(f"/{NAME}/data").text
    assert do(client, "replay-quarantine", {"reason": "mended"}, token=token) == (
        200,
        {"done": "brought in: 1 row into depots"},
    )
    assert lake.read("depots").filter(depot="new").height == 1
    released = lake.read("quarantine").filter(event="released")
    assert released.select("by", "why").rows() == [("token:local", "mended")]
    assert do(client, "replay-quarantine", {"reason": "again"}, token=token)[1]["done"].startswith("no row keeps")


def test_trials_are_lines_over_their_parameters(own: tuple[TestClient, Project]) -> None:
    client, project = own
    registry = open_registry(project)
    assert "Trials by their parameters" not in client.get(f"/{NAME}/runs").text
    for number, loss in enumerate((0.7, 0.5, 0.6)):
        identity = {STUDY: "lines", KIND: TRIAL, TRIAL: str(number)}
        run = registry.open_run(f"tune:{number}", identity=identity, tags={"state": "finished"}, moment=EPOCH)
        registry.close_run(run, parameters={"a__leaves": 2**number, "seed": 1}, metrics={"loss": loss}, moment=EPOCH)
    study = registry.open_run("lines", identity={STUDY: "lines", KIND: STUDY}, tags={}, moment=EPOCH)
    for address in ("runs", f"runs?run={study}"):
        chart = client.get(f"/{NAME}/{address}").text.partition('aria-label="Trials by their parameters"')[2]
        chart = chart.partition("</svg>")[0]
        assert len({*re.findall(r'href="\?run=(\w+)"', chart)}) == 3
        assert ">leaves<" in chart
        assert ">seed<" not in chart
    assert "Trials by their parameters" not in client.get(f"/{NAME}/runs?words=tune:1").text


def test_features_come_with_their_definition_and_drift(page: TestClient, project: Project) -> None:
    text = page.get(f"/{NAME}/features").text
    assert "14 features of version 2" in text
    assert "mean(delay) of parcels by depot over 12h (view depot_12h)" in text
    assert "Served as defined" in text
    measured = open_lake(project).read("measurements").filter(pl.col("monitor") == "drift", pl.col("name") == "items")
    last = measured.sort("at", "version")["value"][-1]
    assert f"<td>{last:.3f}</td>" in text
    text = page.get(f"/{NAME}/features?name=items").text
    assert 'aria-label="Drift of items by day"' in text
    assert 'aria-label="Values of items, then and now"' in text
    assert page.get(f"/{NAME}/features?name=nothing").status_code == 404


def test_shares_of_bins_add_up_in_training_and_on_the_last_day(page: TestClient) -> None:
    for name in ("items", "depot", "weight", "express"):
        text = page.get(f"/{NAME}/features?name={name}").text
        rows = re.findall(r"<td>([\d.]+) %</td><td>([\d.]+) %</td>", text)
        assert len(rows) > 1, name
        for column in zip(*rows, strict=True):
            assert sum(map(float, column)) == pytest.approx(100, abs=1)


@own_registry
def test_runs_are_those_of_mlflow_sorted_and_filtered(own: tuple[TestClient, Project]) -> None:
    client, project = own
    registry = open_registry(project)
    for number, loss in enumerate((0.7, 0.5, 0.6)):
        identity = {STUDY: "s", KIND: TRIAL, TRIAL: str(number)}
        run = registry.open_run(f"tune:{number}", identity=identity, tags={"state": "finished"}, moment=EPOCH)
        registry.close_run(run, parameters={"leaves": 2**number}, metrics={"loss": loss}, moment=EPOCH)
    registry.open_run("<b>", identity={STUDY: "s", KIND: STUDY}, tags={}, moment=EPOCH)
    key = attrgetter("run_id")
    assert sorted(read_runs(project.mlflow_path), key=key) == sorted(registry.find_runs(), key=key)
    assert read_versions(project.mlflow_path) == registry.versions()

    def names(query: str) -> list[str]:
        return re.findall(r'href="\?run=[^"]+">([^<]+)<', client.get(f"/{NAME}/runs?{query}").text)

    assert len(names("")) == 6
    assert names("kind=trial&sort=loss") == ["tune:1", "tune:2", "tune:0"]
    assert names("kind=trial&sort=loss&down=1") == ["tune:0", "tune:2", "tune:1"]
    assert names("words=leaves%3D4") == ["tune:2"]
    assert names("kind=study") == ["&lt;b&gt;"]
    assert "running" in client.get(f"/{NAME}/runs?kind=study").text
    assert "leaves" in client.get(f"/{NAME}/runs?run={run}").text
    assert client.get(f"/{NAME}/runs?run=nope").status_code == 404


def test_the_views_need_no_mlflow() -> None:
    code = "import sys; import mlops_lab.web.app; sys.exit('mlflow' in sys.modules or 'sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_lineage_is_a_graph_of_links(page: TestClient) -> None:
    text = page.get(f"/{NAME}/models?version=2").text
    graph = text[text.index('aria-label="Lineage of version 2"') :].partition("</svg>")[0]
    links = re.findall(r'<a href="([^"?]+)', graph)
    assert {*links} == {"data", "features", "runs", "models", "predictions"}
    for link in re.findall(r'<a href="([^"]+)', graph):
        assert page.get(f"/{NAME}/{link}").status_code == 200, link


def test_the_model_card_is_the_document_that_the_command_writes(
    page: TestClient, project: Project, tmp_path: Path
) -> None:
    mlops("docs", 2, tmp_path / "docs", "--only", "card", project=project.root)
    card = (tmp_path / "docs/README.md").read_text().split("---\n", 2)[2]
    text = page.get(f"/{NAME}/models?version=2&card=1").text
    titles = re.findall(r"<h[12]>([^<]+)</h[12]>", text.partition("</main>")[0])
    assert titles == re.findall(r"^#+ (.+)$", card.replace("\\", ""), re.MULTILINE)
    assert text.count('<table class="card">') == len(re.findall(r"^\|[ |-]+\|$", card, re.MULTILINE)) > 5
    assert "mlops docs 2 DIR --only card" in text
    assert page.get(f"/{NAME}/models?version=9&card=1").status_code == 404


def test_two_versions_are_compared(page: TestClient, project: Project) -> None:
    text = page.get(f"/{NAME}/models?first=1&second=2").text
    assert "Version 1 beside version 2" in text
    found = compare_runs(project, ["1", "2"], scores=False)
    for name in found.metrics:
        assert name.replace("_", " ") in text
    assert "mlops compare 1 2" in text
    assert page.get(f"/{NAME}/models?first=1&second=1").status_code == 400
    assert page.get(f"/{NAME}/models?first=1&second=").status_code == 400


def test_the_rollout_shows_the_arms_of_a_test_and_guardrails(own: tuple[TestClient, Project]) -> None:
    client, project = own
    assert mlops("ab", "start", "1", "--share", "0.3", "--reason", "<i>why</i>", project=project.root).code == 0
    text = client.get(f"/{NAME}/rollout").text
    assert "&lt;i&gt;why&lt;/i&gt;" in text
    assert "no verdict on version 1 yet" in text
    loop = Loop(project)
    loop.state = replace(loop.state, challenger=1)
    looks = look_at_guardrails(loop)
    assert [look["rule"] for look in looks] == [guardrail.rule for guardrail in GUARDRAILS]
    assert not any(look["is_enough"] for look in looks)


def test_now_shows_what_a_server_counts(own: tuple[TestClient, Project], world: World) -> None:
    client, project = own
    assert "Latency" not in client.get(f"/{NAME}/now").text
    with serving(project) as server:
        row = ask(world.parcels.filter(world.parcels["asked_at"] >= day_begin(33)).row(0, named=True))
        for _ in range(3):
            server.talk().predict({**row, "id": None})
        until(lambda: (counted := read_traffic(project)) is not None and counted.requests == 3)
        counted = read_traffic(project)
        text = client.get(f"/{NAME}/now").text
    assert counted is not None
    assert (counted.failed, counted.rejected) == (0, 0)
    assert counted.median_ms is not None
    assert "Latency" in text
    assert "What comes next" in text


# ---- the process -------------------------------------------------------------------------------------------------------


def test_the_process_tells_its_address_streams_changes_and_ends_with_its_parent(project: Project) -> None:
    with page_process(project, port=0) as url:
        with urlopen(f"{url}{NAME}/history", timeout=60) as answer:
            assert b"decisions" in answer.read()
        with urlopen(f"{url}{NAME}/live", timeout=60) as events:
            first = json.loads(events.readline().removeprefix(b"data: "))
        assert first == state_of(project)
    with pytest.raises(OSError, match="refused"):
        urlopen(url, timeout=5)


def test_the_command_prints_the_address_and_stops_at_once(project: Project) -> None:
    start = "from mlops_lab.cli import main; main()"
    command = [sys.executable, "-c", start, "page", "--project", str(project.root), "--port", "0", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        url = json.loads(process.stdout.readline())["page"]
        with urlopen(f"{url}static/page.css", timeout=60) as answer:
            assert b"--paper" in answer.read()
    finally:
        process.terminate()
    assert process.wait(timeout=10) in {0, -15}
    process.stdout.close()
