"""`mlops up`: server and loop together, as the process it is. What it prints can be pasted; whatever dies, nothing that
was acknowledged is lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import polars as pl
import pytest
from mlops_up import logged, talk_to, up
from running import mlops, until
from synthetic import World, ask, day_begin, write_project

from mlops_lab.intake.journal import ingest_journal
from mlops_lab.lake import Lake
from mlops_lab.project import Project


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(shutil.which("curl") is None and not os.environ.get("CI"), reason="curl is not installed")
def test_what_is_printed_works_as_printed(project: Project) -> None:
    with up(project.root) as running:
        running.wait_for(lambda: "labels.csv\n" in running.out)
        predict, outcome, file = (line.strip() for line in running.out.splitlines() if line.startswith("  "))
        answer = json.loads(running.run(predict))
        assert 0 < answer["output"] < 1
        assert json.loads(running.run(predict)) == answer, "pasted twice, it is the same request"
        assert json.loads(running.run(outcome))["counts"]["accepted"] == 1
        running.wait_for(lambda: answer["id"] in logged(project, "outcomes")["id"])

        asked = json.loads(predict.partition(" -d ")[2].strip("'"))
        second = talk_to(project).predict({**asked, "id": "it's the second"})
        header = running.out.partition("first line is ")[2].partition(":\n")[0]
        row = {"id": second["id"], "known_at": asked["asked_at"], "late": "true", "delay": ""}
        (project.root / "labels.csv").write_text(f"{header}\n{','.join(row[name] for name in header.split(','))}\n")
        assert "1 accepted: joined to their predictions" in running.run(file)
        running.wait_for(lambda: second["id"] in logged(project, "outcomes")["id"])

        for command in ("up", "serve"):
            error = mlops(command, "--port", "0", project=project.root, code=3).error
            assert error["code"] == "journal_locked"
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(30) == 0
        assert running.err == ""
        assert "2 answers, 2 outcomes, 0 decisions" in running.out.splitlines()[-1]


def test_the_server_and_up_itself_are_killed(project: Project, world: World) -> None:
    rows = world.parcels.filter(pl.col("asked_at") >= day_begin(24)).head(30).to_dicts()
    with up(project.root, "--json") as running:
        running.wait_for(lambda: running.told("ready"))
        (ready,) = running.told("ready")
        assert ready.keys() == {"event", "schema_version", "url", "pid", "predict", "outcome", "file", "header"}
        answers = [talk_to(project).predict(ask(row)) for row in rows[:10]]
        os.kill(ready["pid"], signal.SIGKILL)
        running.wait_for(lambda: len(running.told("ready")) == 2)
        error, again = running.told("error")[0], running.told("ready")[1]
        assert (error["code"], again["url"]) == ("server_gone", ready["url"])
        assert "signal 9" in error["what"]
        assert again["pid"] != ready["pid"]

        answers += [talk_to(project).predict(ask(row)) for row in rows]
        assert answers[:10] == answers[10:20], "it remembers what it answered before"
        running.process.kill()
        until(lambda: not is_alive(again["pid"]), seconds=15)
    ingest_journal(project, Lake(project.lake_path))
    assert sorted(logged(project, "predictions")["id"]) == [row["parcel_id"] for row in rows]


def test_a_turn_that_fails_is_told_once_and_harms_nobody(project: Project, world: World) -> None:
    row = world.parcels.filter(pl.col("asked_at") >= day_begin(24)).row(0, named=True)
    with up(project.root, "--json") as running:
        running.wait_for(lambda: running.told("ready"))
        log = project.lake_path / "decisions" / "_delta_log" / "00000000000000000000.json"
        log.rename(log.with_suffix(".away"))
        lake = project.lake_path / "predictions"
        lake.write_text("a file where a folder should be")
        talk_to(project).predict(ask(row))
        running.wait_for(lambda: running.told("error"))
        talk_to(project).predict({**ask(row), "id": "another"})
        lake.unlink()
        log.with_suffix(".away").rename(log)
        running.wait_for(lambda: logged(project, "predictions").height == 2)
        assert len(running.told("error")) == 1
        running.process.terminate()
        assert running.process.wait(30) == 0
        assert running.told("stopped")[0]["answers"] == 2


def test_the_first_version_is_trained_or_refused_with_reasons(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "a new project"
    write_project(folder, world)
    config = (folder / "mlops.toml").read_text()
    strict = config.replace("min_days = 3", "min_days = 3\nalpha = 1e-12")
    strict = strict.replace("max_calibration_gap = 0.2", "max_calibration_gap = 0.2\nmust_beat_baseline = true")
    (folder / "mlops.toml").write_text(strict)
    with up(folder) as running:
        assert running.process.wait(90) == 1
        assert "error: the first version did not pass its gates: " in running.err
        assert "hint: change the data, pipeline.py or the limits in [gates]" in running.err
        assert "version 1 was refused: " in running.out
    (folder / "mlops.toml").write_text(config)
    with up(folder, "--json") as running:
        running.wait_for(lambda: running.told("ready"))
        assert [row["what"] for row in running.told("decision")] == ["bootstrap"]
        running.process.terminate()
        assert running.process.wait(30) == 0


def test_how_often_must_be_a_length_of_time(template: Path) -> None:
    error = mlops("up", "--every", "soon", project=template, code=2).error
    assert (error["code"], error["where"]) == ("bad_duration", "--every")
