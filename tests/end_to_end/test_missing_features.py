"""Where a view knows nothing of a request: a declared default or a refusal, told, counted and logged."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from running import Talk, make_once, mlops, serving
from synthetic import PIPELINE, World, day_begin, write_project
from verifying import make_verifier

from mlops_lab.intake.journal import ingest_journal
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.tables.declared import PREDICTIONS, REFUSALS

STRICT = PIPELINE.replace(
    'View("traffic", "traffic", by="depot", values={"load": last("load")})',
    'View("traffic", "traffic", by="depot", values={"load": last("load")}, ttl="7d", missing="refuse")',
).replace(
    'View("depots", "depots", by="depot", values={"docks": last("docks")})',
    'View("depots", "depots", by="depot", values={"docks": last("docks")}, missing={"docks": 3})',
)
REQUEST = {"depot": "a", "customer": None, "items": 2, "distance": 3.0, "weight": None, "express": False}


@pytest.fixture(scope="session")
def strict(shared: Path, world: World) -> Path:
    """The made-up project with a view that refuses and one with a default, after its first run. Never change it."""

    def make(folder: Path) -> None:
        write_project(folder, world)
        assert STRICT.count("missing=") == 2
        (folder / "pipeline.py").write_text(STRICT)
        mlops("run", project=folder)

    return make_once(shared / "strict", make)


@pytest.fixture
def project(copy_project: Callable[..., Project], strict: Path) -> Project:
    return copy_project(strict)


@pytest.fixture
def talk(project: Project) -> Iterator[Talk]:
    with serving(project) as server:
        yield server.talk()


def ask(day: float, **other: object) -> dict[str, object]:
    return {**REQUEST, "asked_at": day_begin(day).isoformat(), **other}


def test_what_is_missing_is_told_counted_and_logged(project: Project, talk: Talk) -> None:
    assert talk.predict(ask(24, id="known"))["missing"] == {"customer": "no_key"}
    status, answer = talk.post("/v1/predict", ask(24, id="new", depot="nowhere"))
    assert status == 400
    assert answer["error"]["code"] == "missing_features"
    assert "traffic" in answer["error"]["what"]
    assert "unknown" in answer["error"]["what"]
    talk.add("traffic", [{"depot": "nowhere", "seen_at": day_begin(24.5).isoformat(), "load": 1.0}])
    answer = talk.predict(ask(25, id="new", depot="nowhere", customer="nobody"))
    assert answer["missing"] == {"depot_12h": "empty", "customer": "unknown", "depots": "unknown"}
    answer_of_new = answer
    status, answer = talk.post("/v1/predict", ask(32, id="late", depot="nowhere"))
    assert "stale" in answer["error"]["what"]

    counted = talk.text("/metrics")
    for line in (
        'mlops_predictions_total{version="1",role="champion",worker="0"} 2',
        'mlops_refused_total{view="traffic",reason="unknown",worker="0"} 1',
        'mlops_refused_total{view="traffic",reason="stale",worker="0"} 1',
        'mlops_missing_features_total{view="depots",reason="unknown",worker="0"} 1',
    ):
        assert line in counted.splitlines()

    lake = Lake(project.lake_path)
    ingest_journal(project, lake)
    logged = {row["id"]: row for row in PREDICTIONS.read(lake).to_dicts()}
    assert logged.keys() == {"known", "new"}
    assert logged["new"]["docks"] == 3
    assert json.loads(logged["new"]["missing"]) == answer_of_new["missing"]
    refusals = REFUSALS.read(lake).sort("at")
    assert refusals.select("id", "view", "reason").rows() == [
        ("new", "traffic", "unknown"),
        ("late", "traffic", "stale"),
    ]
    report = make_verifier(project, lake).verify_all()
    assert (report.predictions, report.differing) == (2, {})


def test_rows_of_a_file_reach_the_server_and_the_lake(project: Project, talk: Talk, tmp_path: Path) -> None:
    file = tmp_path / "traffic.csv"
    file.write_text(f"depot,seen_at,load\nnowhere,{day_begin(24).isoformat()},7.5\n")
    assert mlops("ingest", "traffic", file, project=project.root).data == {"accepted": 1, "duplicate": 0}
    assert mlops("ingest", "traffic", file, project=project.root).data == {"accepted": 0, "duplicate": 1}
    assert "traffic" not in talk.predict(ask(25, depot="nowhere"))["missing"]


def test_rows_of_a_file_without_a_server(project: Project, tmp_path: Path) -> None:
    file = tmp_path / "traffic.jsonl"
    file.write_text(f'{{"depot": "nowhere", "seen_at": "{day_begin(24).isoformat()}", "load": 7.5}}\n')
    assert mlops("ingest", "traffic", file, project=project.root).data == {"accepted": 1, "duplicate": 0}
    mlops("status", project=project.root)
    rows = Lake(project.lake_path).read("traffic").filter(depot="nowhere")
    assert rows.height == 1
    error = mlops("ingest", "trafic", file, project=project.root, code=2).error
    assert "traffic" in error["hint"]
