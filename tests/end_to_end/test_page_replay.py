"""The page answers a logged prediction again, as `mlops replay` does; what cannot be is told in plain words."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path

import polars as pl
import pytest
from own_stores import own_registry
from running import mlops
from starlette.testclient import TestClient

from mlops_lab.lineage.records import PredictionReplay
from mlops_lab.lineage.replay import replay_prediction
from mlops_lab.project import Project
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.versions import find_version, package_folder
from mlops_lab.tables.declared import PREDICTIONS
from mlops_lab.tables.open_lake import open_lake
from mlops_lab.web.app import make_app

HOST = "127.0.0.1"
NAME = "parcels"


def open_client(project: Project) -> TestClient:
    return TestClient(make_app([project], host=HOST), base_url=f"http://{HOST}")


@pytest.fixture(scope="module")
def project(lived: Path, copy_project: Callable[..., Project]) -> Project:
    """A project with a promoted version. Read only."""
    return copy_project(lived / "promoted")


@pytest.fixture
def own(project: Project, copy_project: Callable[..., Project]) -> Iterator[tuple[TestClient, Project]]:
    """A project that a test may change."""
    copied = copy_project(project.root)
    with open_client(copied) as client:
        yield client, copied


def newest(project: Project) -> tuple[str, str]:
    """The id and the customer of the newest prediction."""
    rows = PREDICTIONS.read(open_lake(project), columns=["id", "at", "customer"]).sort("at", "id")
    return rows["id"][-1], rows["customer"][-1]


def replay(client: TestClient, id_: str, **more: str) -> tuple[int, str]:
    answer = client.get(f"/{NAME}/predictions", params={"id": id_, "replay": "1", **more})
    assert "Traceback" not in answer.text
    return answer.status_code, answer.text


def cells(text: str, name: str) -> list[str]:
    """What the table of a replay shows in the row of that name."""
    table = text.partition('<table class="exact">')[2].partition("</table>")[0]
    row = table.partition(f'<th scope="row">{name}</th>')[2].partition("</tr>")[0]
    return [unescape(cell) for cell in re.findall(r"<td>([^<]*)</td>", row)]


def show(value: object) -> str:
    return "–" if value is None else str(value)


def check_same(text: str, replayed: PredictionReplay) -> None:
    """The page shows every input and every output to the last digit."""
    other = replayed.other
    assert other is not None
    assert len(replayed.inputs) > 5
    for each in replayed.inputs:
        shown = [show(each.logged), show(each.from_facts), show(other.inputs.get(each.name))]
        assert cells(text, each.name) == shown
    assert cells(text, "Output") == [show(replayed.logged), show(replayed.from_facts), show(other.output)]
    assert cells(text, "From the logged inputs")[0] == show(replayed.from_log)


def test_a_prediction_is_answered_again_as_by_command(project: Project) -> None:
    lake, (id_, _) = open_lake(project), newest(project)
    before = {name: lake.version(name) for name in lake.tables()}
    replayed = replay_prediction(project, id_, other=1, takes_in=False)
    assert (replayed.equal, replayed.version) == (True, 2)
    with open_client(project) as client:
        text = client.get(f"/{NAME}/predictions?id={id_}").text
        assert "Answer it again" in text
        assert "data-still" not in text
        status, text = replay(client, id_, **{"with": "1"})
        assert status == 200
        assert "<strong>The same</strong> to the last bit" in text
        assert f"<code>mlops replay {id_} --with 1</code>" in text
        assert '<option value="1" selected>' in text
        assert '<option value="2"' not in text, "it has answered"
        check_same(text, replayed)
        text = replay(client, id_)[1]
        assert len(cells(text, "Output")) == 2
        assert f"<code>mlops replay {id_}</code></p>\n</footer>" in text
    assert {name: lake.version(name) for name in lake.tables()} == before, "looking changes nothing"


def test_what_differs_is_named_with_what_tells_more(own: tuple[TestClient, Project]) -> None:
    client, project = own
    id_ = newest(project)[0]
    open_lake(project).rewrite("depots", lambda rows: rows.with_columns(pl.col("docks").fill_null(0) + 1000))
    status, text = replay(client, id_)
    assert status == 200
    assert "<strong>Not the same</strong>" in text
    logged, found = cells(text, "docks differs")
    assert float(found) >= 1000
    assert found != logged
    assert "<code>mlops features verify</code>" in text


@own_registry
def test_a_version_that_is_not_there_is_told(own: tuple[TestClient, Project]) -> None:
    client, project = own
    id_ = newest(project)[0]
    for other, expected, word in (
        ("99", 404, "Version 99 is not recorded"),
        ("<b>2</b>", 400, "&lt;b&gt;2&lt;/b&gt;&#39; is not the number of a version"),
    ):
        status, text = replay(client, id_, **{"with": other})
        assert (status, word in text) == (expected, True), text
    lake = open_lake(project)
    for number, more in ((1, {"with": "1"}), (2, {})):
        shutil.rmtree(package_folder(project, find_version(read_decisions(lake), number)))
        status, text = replay(client, id_, **more)
        assert status == 503
        assert "Hint: " in text
        assert "there is no such folder" in text
        assert "Restore the folder" in text


def test_a_prediction_that_is_not_there_is_told_and_so_is_one_that_was_erased(own: tuple[TestClient, Project]) -> None:
    client, project = own
    id_, customer = newest(project)
    status, text = replay(client, "<i>nobody</i>")
    assert (status, "There is no prediction &#34;&lt;i&gt;nobody&lt;/i&gt;&#34;" in text) == (404, True)
    assert "after the next tick of the loop" in text, "a server may have answered it just now"
    assert "erased" not in text
    data = project.root / "data/parcels.parquet"
    pl.read_parquet(data).filter(pl.col("customer") != customer).write_parquet(data)
    mlops("forget", "--key", customer, "--yes", project=project.root)
    status, text = replay(client, id_)
    assert (status, "rows were erased since (1 time: <code>mlops forget --list</code>)" in text) == (404, True), text
