"""`mlops tune`, killed on the way; `mlops compare` of what it tried, and of versions."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from project_mlflow import mlflow_runs
from running import MLOPS, make_once, mlops, run_words, until
from scipy import stats
from synthetic import World, day_begin, write_project

from mlops_lab.errors import Conflict, EnvironmentFault, InvalidInput
from mlops_lab.lineage.compare import compare_runs
from mlops_lab.project import Project, load_project
from mlops_lab.tuning.result import TuningProgress
from mlops_lab.tuning.tune import lock_tuning, tune

SPACE = """\
def space(trial):
    return {
        "num_leaves": trial.suggest_int("num_leaves", 2, 12),
        "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.5, log=True),
    }


def model(num_leaves=8, learning_rate=0.2):
"""
MORE = 3


def write_tunable(folder: Path, world: World, space: str = SPACE) -> None:
    write_project(folder, world)
    path = folder / "pipeline.py"
    text = path.read_text().replace("def model():\n", space)
    text = text.replace("n_estimators=20, learning_rate=0.2, num_leaves=8", "n_estimators=5, num_leaves=num_leaves")
    path.write_text(text.replace("n_jobs=1,", "n_jobs=1, learning_rate=learning_rate,"))


def ask(database: Path, question: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute(question).fetchall()


def count_finished(folder: Path) -> int:
    database = folder / ".mlops/tune.db"
    if not database.is_file():
        return 0
    return int(ask(database, "SELECT count(*) FROM trials WHERE state = 'COMPLETE'")[0][0])


@pytest.fixture(scope="session")
def tuned(shared: Path, world: World) -> Path:
    """A study that was killed with kill -9 after its third trial, and went on; what it said stands in `tune.json`."""

    def make(folder: Path) -> None:
        write_tunable(folder, world)
        command = [*MLOPS, "tune", "--trials", "1000", "--project", str(folder)]
        with (folder / "killed.err").open("w") as err:
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=err, stdin=subprocess.DEVNULL)
        try:
            until(lambda: count_finished(folder) >= 3, seconds=100)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        before = count_finished(folder)
        (folder / "before").write_text(str(before))
        (folder / "tune.json").write_text(mlops("tune", "--trials", before + MORE, project=folder).out)

    return make_once(shared / "tuned", make)


@pytest.mark.slow
def test_it_goes_on_after_a_kill_and_loses_no_finished_trial(tuned: Path) -> None:
    told = json.loads((tuned / "tune.json").read_text())
    before = int((tuned / "before").read_text())
    assert told["went_on"]
    assert (told["study"], told["loss_name"]) == ("parcels-tune-1", "log loss")
    assert sum(told["trials"].values()) == before + MORE
    states = dict(ask(tuned / ".mlops/tune.db", "SELECT state, count(*) FROM trials GROUP BY state"))
    assert "RUNNING" not in states
    assert states["COMPLETE"] == told["trials"]["finished"] >= before
    assert states.get("FAIL", 0) <= 1, "the one that was under way"


def test_the_best_stand_beside_the_present_and_the_baseline(tuned: Path) -> None:
    told = json.loads((tuned / "tune.json").read_text())
    best = told["best"]
    assert 3 <= len(best) <= 5
    assert [row["loss"] for row in best] == sorted(row["loss"] for row in best)
    for row in (*best, told["present"], told["baseline"]):
        assert len(row["folds"]) == 4
        assert row["loss"] == pytest.approx(sum(row["folds"]) / 4)
    assert told["present"]["parameters"] == {"num_leaves": 8, "learning_rate": 0.2}
    assert told["baseline"]["name"] == "a logistic regression"
    better = best[0]["loss"] < told["present"]["loss"]
    values = best[0]["parameters"]
    line = f"def model(num_leaves={values['num_leaves']}, learning_rate={values['learning_rate']}):"
    assert told["paste"] == (line if better else None)


def test_in_mlflow_each_trial_is_a_run_nested_in_that_of_the_study(tuned: Path) -> None:
    told = json.loads((tuned / "tune.json").read_text())
    runs = mlflow_runs(load_project(tuned))
    nested = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    assert {run.data.tags["mlflow.parentRunId"] for run in nested} == {told["run_id"]}
    assert len(nested) == sum(told["trials"].values())
    assert {run.info.status for run in runs} == {"FINISHED"}
    trials = {run.data.tags["trial"]: run.data for run in nested}
    for row in told["best"]:
        trial = trials[row["name"].removeprefix("tune:")]
        assert trial.metrics["loss"] == row["loss"]
        assert trial.params == {name: str(value) for name, value in row["parameters"].items()}


def test_a_study_that_has_its_trials_tells_them_again_and_nothing_else(tuned: Path, tmp_path: Path) -> None:
    project = load_project(shutil.copytree(tuned, tmp_path / "parcels"))
    files = {path: path.read_bytes() for path in project.root.glob("[!.]*.*")}
    told = json.loads((tuned / "tune.json").read_text())
    seen: list[TuningProgress] = []
    found = tune(project, trials=2, seconds=None, fresh=False, watch=seen.append)
    assert found.trials == told["trials"]
    assert [row.name for row in found.best] == [row["name"] for row in told["best"]]
    assert seen[-1].best == found.best[0].loss
    assert {path: path.read_bytes() for path in project.root.glob("[!.]*.*")} == files
    fresh = tune(project, trials=1, seconds=None, fresh=True, watch=seen.append)
    assert (fresh.study, fresh.went_on) == ("parcels-tune-2", False)
    assert fresh.present == found.present
    assert fresh.trials == {"finished": 1, "pruned": 0, "failed": 0}
    path = project.pipeline_path
    path.write_text(path.read_text().replace("n_estimators=5", "n_estimators=4"))
    other = tune(project, trials=9, seconds=0.0, fresh=False, watch=seen.append)
    assert other.study == "parcels-tune-3", "other code is another study"
    assert (other.best, other.paste, sum(other.trials.values())) == ([], None, 0)


def test_trials_are_compared(tuned: Path) -> None:
    told = json.loads((tuned / "tune.json").read_text())
    names = [row["name"] for row in told["best"][:2]]
    found = mlops("compare", *names, project=tuned).data
    assert [run["name"] for run in found["runs"]] == names
    for place, row in enumerate(told["best"][:2]):
        for name, values in found["differing"].items():
            assert values[place] == str(row["parameters"][name])
    assert found["best"]["loss"] == 0
    assert found["held_out"] is None
    assert all("parcels@" in run["made_of"]["snapshots"] for run in found["runs"])


# ---- what is wrong is told -------------------------------------------------------------------------------------------


BAD_SPACES = {
    "raises": ('"num_leaves": trial', '"num_leaves": 1 / 0 or trial', "bad_pipeline", "ZeroDivisionError"),
    "no dict": ("return {\n", "return 1 or {\n", "bad_space", "returns a int"),
    "unknown name": ('"num_leaves": trial', '"leaves": trial', "bad_space", "num_leaves"),
    "no number": ('trial.suggest_int("num_leaves", 2, 12)', "-3", "bad_pipeline", "num_leaves"),
    "no function": ("def space(trial):", "space = 3\n\n\ndef other(trial):", "bad_pipeline", "space"),
}


@pytest.mark.parametrize("name", BAD_SPACES)
def test_a_bad_space_is_told_and_the_mended_one_begins_anew(tuned: Path, tmp_path: Path, name: str) -> None:
    old, new, code, place = BAD_SPACES[name]
    project = load_project(shutil.copytree(tuned, tmp_path / "parcels"))
    text = project.pipeline_path.read_text()
    assert old in text
    project.pipeline_path.write_text(text.replace(old, new, 1))
    with pytest.raises(InvalidInput) as caught:
        tune(project, trials=50, seconds=None, fresh=False, watch=lambda seen: None)
    error = caught.value.as_dict()
    assert all(error.values())
    assert error["code"] == code
    assert place in f"{error['what']} {error['hint']}"


def test_without_optuna_the_line_that_installs_it_is_shown(tuned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(EnvironmentFault) as caught:
        tune(load_project(tuned), trials=1, seconds=None, fresh=False, watch=lambda seen: None)
    assert caught.value.code == "no_optuna"
    assert 'pip install "mlops-lab[tune]"' in str(caught.value.hint)


def test_one_search_at_a_time(tuned: Path) -> None:
    project = load_project(tuned)
    with lock_tuning(project), pytest.raises(Conflict) as caught, lock_tuning(project):
        pass
    assert caught.value.code == "tuning_under_way"


def test_too_few_trials_are_wrong_use(tuned: Path) -> None:
    assert mlops("tune", "--trials", "0", project=tuned, code=2).data["error"]["code"] == "usage"


# ---- versions ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def promoted(lived: Path, copy_project: Callable[..., Project]) -> Project:
    return copy_project(lived / "promoted")


def test_versions_meet_on_days_that_neither_has_learned_from(promoted: Project) -> None:
    found = compare_runs(promoted, ["1", "2"])
    assert [(run.name, run.version) for run in found.runs] == [("version 1", 1), ("version 2", 2)]
    held_out = found.held_out
    assert held_out is not None
    assert held_out.since == max(run.made_of["cutoff"] for run in found.runs) == day_begin(26).isoformat()
    days = held_out.blocks
    assert days == sorted(days)
    assert len(days) == 7
    assert held_out.losses.keys() == held_out.by_block.keys() == {1, 2}
    assert all(len(values) == len(days) for values in held_out.by_block.values())
    (pair,) = held_out.paired
    assert pair.gain > 0, "the second knows the new depot"
    gains = [a - b for a, b in zip(held_out.by_block[1], held_out.by_block[2], strict=True)]
    assert pair.gain == pytest.approx(sum(gains) / len(days))
    assert pair.p_value == pytest.approx(stats.ttest_1samp(gains, 0).pvalue)
    assert pair.words == f"version 2 is better than version 1 by {pair.gain:.4f} a day (p = {pair.p_value:.2g}, 7 days)"
    assert found.best == {}, "each was measured on its own days"


def test_a_version_goes_by_the_id_of_its_run_too(promoted: Project) -> None:
    version = mlops("history", project=promoted.root).data["decisions"][1]["evidence"]["package"].split("/")[-3]
    ran = run_words(["compare", "2", version[:10], "--project", str(promoted.root)])
    assert ran.code == 0, ran.err
    assert "version 1 is better than" in ran.out or "version 2 is better than version 1" in ran.out
    assert "█" in ran.out


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["1"], "nothing_to_compare"),
        (["1", "9"], "unknown_version"),
        (["1", "1"], "same_run"),
        (["1", "tune:0"], "unknown_trial"),
        (["1", "deadbeef"], "unknown_run"),
        (["1", "ab"], "unknown_run"),
    ],
)
def test_names_that_lead_nowhere(promoted: Project, names: list[str], code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        compare_runs(promoted, names)
    assert caught.value.code == code
    assert all(caught.value.as_dict().values())
