"""`mlops demo` on two days: what it says, and that a kill -9 on the way changes nothing of it."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from replaying import SPAN, Kill, Replayed, demo, demo_words, journal_end, replay, replay_with_kills, what_came_of_it
from running import mlops, until

from mlops_lab.replay.flights import read_world

pytestmark = pytest.mark.timeout(900)


def test_the_summary_of_a_demo(replayed: Replayed) -> None:
    result = replayed.result
    flights = read_world().flights
    sent = flights.filter(flights["flight_id"].str.slice(0, 10).is_in(SPAN))
    assert {"months", "log_loss", "auc", "decisions", "counts", "seconds", "stages"} <= result.keys()
    assert result["counts"] == {
        "sent": sent.height,
        "logged": sent.height,
        "joined": sent.height,
        "pending": 0,
        "lost": 0,
        "duplicated": 0,
    }
    (month,) = result["months"]
    assert month.keys() == {"month", "predictions", "late_rate", "log_loss", "auc"}
    assert (month["month"], month["predictions"]) == ("2013-03", sent.height)
    assert month["late_rate"] == pytest.approx(sent["late"].mean())
    for figures in (result["log_loss"], month["log_loss"], result["auc"], month["auc"]):
        assert figures.keys() == {"frozen", "loop"}
    assert 0.3 < result["log_loss"]["loop"] < 0.6
    assert 0.6 < result["auc"]["loop"] < 0.9
    assert result["log_loss"]["frozen"] == result["log_loss"]["loop"], "in two days nothing is promoted"
    assert [decision["what"] for decision in result["decisions"]] == ["retrain", "bootstrap"]
    for decision in result["decisions"]:
        assert decision.keys() == {"at", "what", "version", "reason"}
        assert decision["at"] == "2013-03-01T00:00:00-05:00"
    assert sum(result["stages"].values()) == pytest.approx(result["seconds"], rel=0.02)


def test_the_report_can_be_read_offline(replayed: Replayed) -> None:
    report = Path(replayed.result["report"])
    assert report == replayed.folder / "report.html"
    text = report.read_text()
    assert "<html" in text
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", text)


def test_a_demo_is_ready_by_evidence_alone(replayed: Replayed) -> None:
    """Two days and one training bring most of what the loop can show; the rest takes a second training."""
    found = mlops("readiness", "--at-least", 8, project=replayed.folder).data
    assert found["points"] == found["points_by_evidence"]
    assert found["problems"] == []
    points = {test["test"]: test["points"] for section in found["sections"] for test in section["tests"]}
    daily = ("data.1", "model.6", "infrastructure.5", "monitoring.2", "monitoring.3", "monitoring.7")
    assert [points[test] for test in daily] == [1.0] * len(daily)


@pytest.mark.slow
def test_a_longer_demo_has_twelve_points_by_evidence(tmp_path: Path) -> None:
    folder = tmp_path / "flights"
    replay(folder, ("2013-03-01", "2013-03-16"))
    found = mlops("readiness", "--at-least", 12, project=folder).data
    assert found["points_by_evidence"] >= 12
    assert found["maturity"]["level"] == 1


def test_the_folder_of_a_demo_is_a_usual_project(replayed: Replayed) -> None:
    status = mlops("status", project=replayed.folder).data
    assert (status["project"], status["champion"], status["pending"]) == ("flights", 1, 0)
    assert status["server"] is None, "it stopped what it started"
    assert status["predictions"] == replayed.result["counts"]["logged"]
    flights = read_world().flights
    flight = flights.filter(flights["flight_id"].str.starts_with("2013-03-02-JFK-B6")).row(0, named=True)
    result = mlops("explain", flight["flight_id"], project=replayed.folder).data
    assert result["outcome"]["late"] == flight["late"]
    assert result["features"]["carrier"] == "B6"
    assert {snapshot["table"] for snapshot in result["version"]["snapshots"]} == {"flights", "weather", "planes"}


def test_a_demo_is_not_overwritten(replayed: Replayed, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(replayed.folder, tmp_path / "demo"))  # others ask about the one that is shared
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    error = mlops(*demo_words(folder, SPAN)[:-1], code=2).error
    assert error["code"] == "demo_exists"
    assert "--resume" in error["hint"]
    assert "--fresh" in error["hint"]
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--from", "2013-04-01", "--to", "2013-03-01"], "bad_span"),
        (["--from", "2013-01-01", "--to", "2013-03-01"], "bad_span"),
        (["--from", "yesterday"], "bad_day"),
        (["--resume"], "no_demo"),
    ],
)
def test_wrong_options_are_refused(tmp_path: Path, words: list[str], code: str) -> None:
    error = mlops("demo", "--dir", tmp_path / "demo", *words, code=2).error
    assert error["code"] == code
    assert not (tmp_path / "demo").exists()


def test_ctrl_c_names_the_command_that_continues(tmp_path: Path) -> None:
    folder = tmp_path / "a demo"
    with (tmp_path / "stderr").open("w") as stderr:
        process = subprocess.Popen(
            demo(folder, SPAN), stdout=subprocess.DEVNULL, stderr=stderr, stdin=subprocess.DEVNULL
        )
    try:
        until((folder / ".demo.json").exists, seconds=60)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    finally:
        process.kill()
        process.wait()
    result = (tmp_path / "stderr").read_text()
    assert f"nothing is lost; `mlops demo --resume --dir '{folder}'` continues" in result
    assert "Traceback" not in result


def test_a_folder_with_other_files_is_not_changed(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    for words in ([], ["--fresh"]):
        assert mlops("demo", "--dir", tmp_path, *words, code=2).error["code"] == "folder_taken"
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.slow
def test_a_killed_and_resumed_demo_has_the_same_result(replayed: Replayed, tmp_path: Path) -> None:
    """Also: two runs give the same decisions, the same models, the same answers."""
    kills = [
        Kill("replay", "mlflow/mlflow.db.new", 0.5),  # in the midst of making MLflow's tables
        Kill("server", 0.3),
        Kill("both", 0.6),
    ]
    result = replay_with_kills(tmp_path / "demo", SPAN, kills, journal_bytes=journal_end(replayed.folder))
    for name in ("counts", "decisions", "months", "log_loss", "auc"):
        assert result[name] == replayed.result[name]
    assert what_came_of_it(tmp_path / "demo") == what_came_of_it(replayed.folder)


@pytest.mark.slow
def test_a_demo_that_goes_on_to_a_later_day_has_the_same_result(replayed: Replayed, tmp_path: Path) -> None:
    """The outcomes that came after its first end count once."""
    replay(tmp_path / "demo", (SPAN[0], SPAN[0]))
    result = mlops("demo", "--resume", "--to", SPAN[1], "--dir", tmp_path / "demo").data
    for name in ("span", "counts", "decisions", "months", "log_loss", "auc"):
        assert result[name] == replayed.result[name]
    assert what_came_of_it(tmp_path / "demo") == what_came_of_it(replayed.folder)
