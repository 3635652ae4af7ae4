"""The commands by themselves, as processes: one JSON object on stdout, talk on stderr, an exit code that says it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from running import MLOPS, Talk, mlops, mlops_serve, run_words
from synthetic import World, ask, day_begin, tell

from mlops_lab.errors import InvalidInput
from mlops_lab.intake.deliver import deliver_outcomes
from mlops_lab.lake import Lake
from mlops_lab.project import Project, load_project
from mlops_lab.registry.package import load_plan
from mlops_lab.registry.store.project_runs import read_versions


@pytest.fixture(scope="module")
def promoted(lived: Path, copy_project: Callable[..., Project]) -> Project:
    """Version 2 is live; for commands that change nothing that others look at."""
    return copy_project(lived / "promoted")


def iso(frame: pl.DataFrame) -> pl.DataFrame:
    """Moments as text, as they stand in a CSV or JSON lines file."""
    return frame.with_columns(pl.selectors.datetime().dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"))


# ---- run -----------------------------------------------------------------------------------------------------------


def test_the_first_run_goes_live(template: Path) -> None:
    ran = json.loads((template / "run.json").read_text())
    assert (ran["what"], ran["version"]) == ("bootstrap", 1)
    assert [gate["gate"] for gate in ran["evidence"]["gates"]] == [
        "same_model",
        "contract",
        "served",
        "sanity",
        "baseline",
        "suspicion",
        "backtest",
        "slices",
    ]
    assert (template / ran["evidence"]["package"] / "MLmodel").is_file()
    project = load_project(template)
    assert Lake(project.lake_path).read("parcels").height == pl.read_parquet(template / "data/parcels.parquet").height


def test_a_second_run_on_the_same_data_is_refused_as_identical(project: Project) -> None:
    before = [file.read_bytes() for file in project.mlflow_path.glob("mlflow.db")]
    ran = mlops("run", project=project.root, code=1)
    assert (ran.data["what"], ran.data["rule"], ran.data["version"]) == ("refuse", "identical", 1)
    assert "identical to version 1" in ran.data["reason"]
    assert ran.err.count("error: ") == ran.err.count("hint: ") == 1
    assert [file.read_bytes() for file in project.mlflow_path.glob("mlflow.db")] == before, "it was not even asked"
    assert [version.number for version in read_versions(project)] == [1]
    assert mlops("status", project=project.root).data["champion"] == 1


# ---- status, history, explain --------------------------------------------------------------------------------------


def test_status_says_what_is_live(promoted: Project) -> None:
    told = mlops("status", project=promoted.root).data
    assert (told["project"], told["server"]) == ("parcels", None)
    assert (told["champion"], told["challenger"], told["stage"]) == (2, None, None)
    assert told["since"] == day_begin(32).isoformat()
    assert told["predictions"] == 9 * 75
    assert 0 < told["pending"] < 20
    assert told["quality"].keys() == {"log_loss", "auc", "observed_rate", "predicted_rate"}
    assert told["last_decision"]["what"] == "promote"


def test_history_tells_every_decision(promoted: Project) -> None:
    told = mlops("history", project=promoted.root).data["decisions"]
    assert [row["what"] for row in told] == ["retrain", "bootstrap", "retrain", "shadow", "canary", "promote"]
    for row in told:
        assert row.keys() >= {"at", "what", "version", "rule", "reason", "by", "evidence", "number", "user", "hash"}
        assert all(row[name] for name in ("at", "rule", "reason", "by"))


def test_a_folder_inside_the_project_will_do(promoted: Project) -> None:
    inside = promoted.root / "data"
    assert mlops("status", cwd=inside).data["champion"] == 2


def test_explain_shows_everything_behind_a_prediction(promoted: Project, world: World) -> None:
    asked = world.parcels.filter(pl.col("asked_at") >= day_begin(32)).row(3, named=True)
    told = mlops("explain", asked["parcel_id"], project=promoted.root).data

    assert told["id"] == asked["parcel_id"]
    assert told["request"] == {name: value for name, value in ask(asked).items() if name != "id"}
    assert (told["version"]["number"], told["role"]) == (2, "champion")
    assert list(told["features"]) == list(load_plan(promoted.root / told["version"]["package"]).features["inputs"])
    assert told["features"]["items"] == asked["items"]
    assert told["outcome"] == {"known_at": tell(asked)["known_at"], "late": asked["late"], "delay": asked["delay"]}
    version = told["version"]
    assert re.fullmatch("[0-9a-f]{32}", version["run_id"])
    assert {
        "run_id",
        "fingerprint",
        "training_set",
        "commit",
        "code",
        "environment",
        "cutoff",
        "rows",
    } <= version.keys()
    assert {snapshot["table"] for snapshot in version["snapshots"]} == {"parcels", "traffic", "depots", "outcomes"}
    for snapshot in version["snapshots"]:
        assert snapshot["name"] == f"{snapshot['table']}@{snapshot['version']}"
        assert len(snapshot["fingerprint"]) == 64
    assert (promoted.root / version["package"] / "model.txt").is_file()
    assert [decision["what"] for decision in told["decisions"]] == ["shadow", "canary", "promote"]


def test_a_snapshot_that_is_named_can_be_read_again(promoted: Project, world: World) -> None:
    """The table at the version that explain names has the fingerprint that explain names."""
    from mlops_lab.lake import fingerprint_frame

    asked = world.parcels.filter(pl.col("asked_at") >= day_begin(32)).row(3, named=True)
    told = mlops("explain", asked["parcel_id"], project=promoted.root).data
    for snapshot in told["version"]["snapshots"]:
        frame = Lake(promoted.lake_path).read(snapshot["table"], version=snapshot["version"])
        assert frame.height == snapshot["rows"]
        assert fingerprint_frame(frame.sort(frame.columns)) == snapshot["fingerprint"], snapshot["name"]


def test_an_outcome_that_is_not_known_is_not_made_up(promoted: Project) -> None:
    predictions = Lake(promoted.lake_path).read("predictions")
    ended = Lake(promoted.lake_path).read("outcomes")
    pending = predictions.join(ended, on="id", how="anti")["id"][0]
    assert mlops("explain", pending, project=promoted.root).data["outcome"] is None


def test_an_unknown_id_is_said_to_be_unknown(promoted: Project) -> None:
    error = mlops("explain", "nobody", project=promoted.root, code=2).error
    assert error["code"] == "unknown_prediction"


@pytest.mark.parametrize("words", [["status"], ["history"], ["tick"], ["explain"]])
def test_people_get_text(promoted: Project, words: list[str]) -> None:
    if words == ["explain"]:
        words = ["explain", Lake(promoted.lake_path).read("predictions")["id"][0]]
    at = ["--at", day_begin(33).isoformat()] if words == ["tick"] else []
    ran = run_words([*words, *at, "--project", str(promoted.root)])
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.strip()
    assert not ran.out.startswith("{")


def test_a_reader_that_stops_early_harms_nobody(promoted: Project) -> None:
    command = " ".join(f"'{word}'" for word in [*MLOPS, "history", "--project", str(promoted.root)])
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command} | true"], capture_output=True, text=True, timeout=100
    )
    assert "Traceback" not in done.stderr


# ---- outcomes, tick -------------------------------------------------------------------------------------------------


def write_outcomes(file: Path, rows: list[dict[str, Any]]) -> Path:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def test_outcomes_from_a_file_with_and_without_a_server(
    copy_project: Callable[..., Project], world: World, tmp_path: Path
) -> None:
    project = copy_project()
    rows = world.parcels.filter(pl.col("asked_at") >= day_begin(24)).head(30).to_dicts()
    file = write_outcomes(tmp_path / "outcomes.jsonl", [tell(row) for row in rows[:10]])
    with mlops_serve(project.root) as ready:
        host, _, port = ready["ready"].removeprefix("http://").partition(":")
        talk = Talk(project, host, int(port))
        for row in rows:
            talk.predict(ask(row))
        told = mlops("outcomes", file, project=project.root).data
        assert (told["counts"]["accepted"], told["problems"]) == (10, [])
        assert talk.status["pending"] == 20
        assert mlops("status", project=project.root).data["server"] == ready["ready"]
    assert mlops("status", project=project.root).data["server"] is None

    told = mlops("outcomes", file, project=project.root).data
    assert told["counts"]["duplicate"] == 10
    mixed = [tell(rows[10]), {**tell(rows[0]), "late": not rows[0]["late"]}, {**tell(rows[11]), "id": "nobody"}]
    ran = mlops("outcomes", write_outcomes(tmp_path / "mixed.jsonl", mixed), project=project.root, code=1)
    assert ran.data["counts"] == {
        "accepted": 1,
        "corrected": 0,
        "duplicate": 0,
        "conflict": 1,
        "unknown": 1,
        "too_late": 0,
        "too_early": 0,
    }
    assert [problem["where"] for problem in ran.data["problems"]] == ["$.outcomes[1]", "$.outcomes[2]"]
    assert "error: 2 outcomes were not accepted" in ran.err

    early = [tell(rows[12]), {**tell(rows[13]), "known_at": "2024-03-24T00:00:00Z"}]
    error = mlops("outcomes", write_outcomes(tmp_path / "early.jsonl", early), project=project.root, code=2).error
    assert error["code"] == "outcome_too_early"
    told = mlops("tick", "--at", day_begin(25).isoformat(), project=project.root).data
    measured = [day_begin(day).isoformat() for day in (24, 25)]
    assert told == {
        "at": day_begin(25).isoformat(),
        "decisions": [],
        "measured": measured,
        "warnings": [],
        "waiting": [],
    }
    status = mlops("status", project=project.root).data
    assert (status["predictions"], status["pending"]) == (30, 19)
    assert (status["unknown_outcomes"], status["conflicting_outcomes"]) == (1, 1)
    assert status["quality"]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"id": "a", "late": True, "delay": 1.0}, "missing_column"),
        ({"id": "a", "known_at": "soon", "late": True, "delay": 1.0}, "wrong_type"),
        ({"id": "a", "known_at": "2024-04-01T10:00:00Z", "late": 2, "delay": 1.0}, "wrong_type"),
        ({"id": None, "known_at": "2024-04-01T10:00:00Z", "late": True, "delay": 1.0}, "null_value"),
    ],
)
def test_outcomes_that_are_not_what_was_declared(
    promoted: Project, tmp_path: Path, row: dict[str, Any], code: str
) -> None:
    file = write_outcomes(tmp_path / "outcomes.jsonl", [row])
    if code == "missing_column":
        error = mlops("outcomes", file, project=promoted.root, code=2).error
    else:
        with pytest.raises(InvalidInput) as caught:
            deliver_outcomes(promoted, file)
        error = caught.value.as_dict()
    assert error["code"] == code
    assert all(error.values())


def test_a_tick_takes_its_moment_from_the_data(copy_project: Callable[..., Project]) -> None:
    project = copy_project()
    told = mlops("tick", project=project.root).data
    assert told["decisions"] == []
    assert told["at"].startswith("2024-03-24T22:")
    assert mlops("tick", project=project.root).data["decisions"] == []


def test_a_moment_that_is_none(promoted: Project) -> None:
    error = mlops("tick", "--at", "2024-13-01", project=promoted.root, code=2).error
    assert error["code"] == "bad_time"


# ---- rollback, serve -------------------------------------------------------------------------------------------------


def test_with_nothing_to_go_back_to(project: Project) -> None:
    error = mlops("rollback", project=project.root, code=1).error
    assert error["code"] == "nothing_to_roll_back"
    assert mlops("history", project=project.root).data["decisions"][-1]["what"] == "bootstrap"


def test_one_server_a_project_and_one_listener_a_port(copy_project: Callable[..., Project]) -> None:
    project, neighbour = copy_project(), copy_project()
    with mlops_serve(project.root, "--json") as ready:
        assert ready.keys() == {"schema_version", "ready", "pid"}
        port = ready["ready"].rpartition(":")[2]

        error = mlops("serve", "--port", "0", project=project.root, code=3).error
        assert error["code"] == "journal_locked"
        assert port in error["where"]
        error = mlops("serve", "--port", port, project=neighbour.root, code=3).error
        assert error["code"] == "port_busy"
        assert port in error["where"]
        assert "--port" in error["hint"]

        host = ready["ready"].removeprefix("http://").partition(":")[0]
        assert Talk(project, host, int(port)).status["champion"] == 1
    with mlops_serve(project.root) as ready:  # the port and the journal are free again
        assert ready["ready"].startswith("http://127.0.0.1:")
