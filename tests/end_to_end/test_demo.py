"""`mlops demo` on two days: what it says, and that a kill -9 on the way changes nothing of it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from replaying import Kill, demo, journal_end, replay, replay_with_kills, what_came_of_it
from running import make_once, mlops, until

from mlops_lab.replay.flights import read_world

SPAN = ("2013-03-01", "2013-03-02")

pytestmark = pytest.mark.timeout(900)


@dataclass(frozen=True)
class Replayed:
    """An unbroken demo: its folder and what it said."""

    folder: Path
    told: dict[str, Any]


@pytest.fixture(scope="session")
def replayed(shared: Path) -> Replayed:
    def make(folder: Path) -> None:
        told = replay(folder / "demo", SPAN)
        (folder / "told.json").write_text(json.dumps(told))

    folder = make_once(shared / "replayed", make)
    return Replayed(folder / "demo", json.loads((folder / "told.json").read_text()))


def test_the_demo_says_what_came_of_it(replayed: Replayed) -> None:
    told = replayed.told
    flights = read_world().flights
    sent = flights.filter(flights["flight_id"].str.slice(0, 10).is_in(SPAN))
    assert {"months", "log_loss", "auc", "decisions", "counts", "seconds", "stages"} <= told.keys()
    assert told["counts"] == {
        "sent": sent.height,
        "logged": sent.height,
        "joined": sent.height,
        "pending": 0,
        "lost": 0,
        "duplicated": 0,
    }
    (month,) = told["months"]
    assert month.keys() == {"month", "predictions", "late_rate", "log_loss", "auc"}
    assert (month["month"], month["predictions"]) == ("2013-03", sent.height)
    assert month["late_rate"] == pytest.approx(sent["late"].mean())
    for figures in (told["log_loss"], month["log_loss"], told["auc"], month["auc"]):
        assert figures.keys() == {"frozen", "loop"}
    assert 0.3 < told["log_loss"]["loop"] < 0.6
    assert 0.6 < told["auc"]["loop"] < 0.9
    assert told["log_loss"]["frozen"] == told["log_loss"]["loop"], "in two days nothing is promoted"
    assert [decision["what"] for decision in told["decisions"]] == ["retrain", "bootstrap"]
    for decision in told["decisions"]:
        assert decision.keys() == {"at", "what", "version", "reason"}
        assert decision["at"] == "2013-03-01T00:00:00-05:00"
    assert sum(told["stages"].values()) == pytest.approx(told["seconds"], rel=0.02)


def test_the_report_can_be_read_offline(replayed: Replayed) -> None:
    report = Path(replayed.told["report"])
    assert report == replayed.folder / "report.html"
    text = report.read_text()
    assert "<html" in text
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", text)


def test_the_demos_folder_is_a_project_like_any_other(replayed: Replayed) -> None:
    status = mlops("status", project=replayed.folder).data
    assert (status["project"], status["champion"], status["pending"]) == ("flights", 1, 0)
    assert status["server"] is None, "it stopped what it started"
    assert status["predictions"] == replayed.told["counts"]["logged"]
    flights = read_world().flights
    flight = flights.filter(flights["flight_id"].str.starts_with("2013-03-02-JFK-B6")).row(0, named=True)
    told = mlops("explain", flight["flight_id"], project=replayed.folder).data
    assert told["outcome"]["late"] == flight["late"]
    assert told["features"]["carrier"] == "B6"
    assert {snapshot["table"] for snapshot in told["version"]["snapshots"]} == {"flights", "weather", "planes"}


def test_a_demo_is_not_overwritten(replayed: Replayed) -> None:
    before = {path: path.stat().st_mtime_ns for path in replayed.folder.rglob("*") if path.is_file()}
    done = subprocess.run(demo(replayed.folder, SPAN), capture_output=True, text=True, timeout=300)
    assert done.returncode == 2
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "demo_exists"
    assert "--resume" in error["hint"]
    assert "--fresh" in error["hint"]
    assert {path: path.stat().st_mtime_ns for path in replayed.folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--from", "2013-04-01", "--to", "2013-03-01"], "bad_span"),
        (["--from", "2013-01-01", "--to", "2013-03-01"], "bad_span"),
        (["--from", "yesterday"], "bad_day"),
        (["--resume"], "no_demo"),
    ],
)
def test_a_demo_that_cannot_be(tmp_path: Path, words: list[str], code: str) -> None:
    error = mlops("demo", "--dir", tmp_path / "demo", *words, code=2).error
    assert error["code"] == code
    assert not (tmp_path / "demo").exists()


def test_ctrl_c_says_how_to_go_on(tmp_path: Path) -> None:
    folder = tmp_path / "a demo"
    with (tmp_path / "said").open("w") as said:
        process = subprocess.Popen(demo(folder, SPAN), stdout=subprocess.DEVNULL, stderr=said, stdin=subprocess.DEVNULL)
    try:
        until((folder / ".demo.json").exists, seconds=60)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    finally:
        process.kill()
        process.wait()
    told = (tmp_path / "said").read_text()
    assert f"nothing is lost; `mlops demo --resume --dir '{folder}'` goes on" in told
    assert "Traceback" not in told


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    for words in ([], ["--fresh"]):
        assert mlops("demo", "--dir", tmp_path, *words, code=2).error["code"] == "folder_taken"
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_killed_and_resumed_it_ends_the_same(replayed: Replayed, tmp_path: Path) -> None:
    """Also: two runs give the same decisions, the same models, the same answers."""
    kills = [
        Kill("replay", "mlflow/mlflow.db.new", 0.5),  # in the midst of making MLflow's tables
        Kill("server", 0.3),
        Kill("both", 0.6),
    ]
    told = replay_with_kills(tmp_path / "demo", SPAN, kills, journal_bytes=journal_end(replayed.folder))
    for name in ("counts", "decisions", "months", "log_loss", "auc"):
        assert told[name] == replayed.told[name]
    assert what_came_of_it(tmp_path / "demo") == what_came_of_it(replayed.folder)
