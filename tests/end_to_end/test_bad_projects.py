"""A project that is wrong somewhere: one clear error with its place and a hint, and nothing was written.

One case of each kind goes through the command line, for its exit code and its two lines; the others ask the same
functions directly, which saves seconds.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from running import mlops
from synthetic import CONFIG, World, day_begin, write_project

from mlops_lab.clock import EPOCH
from mlops_lab.errors import InvalidInput, MlopsError
from mlops_lab.intake.sources import load_sources
from mlops_lab.lake import Lake
from mlops_lab.loop.tick import Loop
from mlops_lab.project import Project, load_project
from mlops_lab.training.candidate import make_plan, prepare_candidate
from mlops_lab.training.fit import fit
from mlops_lab.training.packaging import package


@pytest.fixture
def raw(tmp_path: Path, world: World) -> Path:
    """The project before anything was run in it."""
    folder = tmp_path / "parcels"
    write_project(folder, world)
    return folder


def is_empty(raw: Path) -> bool:
    """Whether neither the lake nor MLflow holds anything."""
    return not [*raw.glob(".mlops/lake/*"), *raw.glob(".mlops/mlflow/*")]


# ---- mlops.toml ------------------------------------------------------------------------------------------------------

BAD_CONFIGS = {
    "not TOML": ('table = "parcels"', "table = parcels", ""),
    "unknown key": ("days = 4", "dayz = 4", "backtest.dayz"),
    "wrong type": ("min_days = 3", 'min_days = "3"', "backtest.min_days"),
    "out of range": ("canary_share = 0.5", "canary_share = 1.5", "rollout.canary_share"),
    "bad zone": ('timezone = "Europe/Berlin"', 'timezone = "Europe/Atlantis"', "project.timezone"),
    "bad field type": ('items = "integer"', 'items = "int"', "source.request.items"),
    "bad table field type": ('docks = "integer?"', 'docks = "integer!"', "tables.depots.fields.docks"),
    "time that is none": ('asked_at = "datetime"', 'asked_at = "string"', "source.time"),
    "label that is none": ('late = "boolean"', 'late = "boolean?"', "source.outcome.late"),
}


@pytest.mark.parametrize("name", BAD_CONFIGS)
def test_a_corrupt_mlops_toml_is_told_by_line_and_key(raw: Path, name: str) -> None:
    old, new, key = BAD_CONFIGS[name]
    assert CONFIG.count(old) == 1
    (raw / "mlops.toml").write_text(CONFIG.replace(old, new))
    at_its_key = {"source.time": 'time = "', "source.label": "label"}.get(key, old)
    number = CONFIG[: CONFIG.index(at_its_key)].count("\n") + 1
    if name in {"bad field type", "unknown key"}:
        error = mlops("status", project=raw, code=2).error
    else:
        with pytest.raises(InvalidInput) as caught:
            load_project(raw)
        error = caught.value.as_dict()
    assert all(error.values())
    assert error["code"] == "bad_config"
    assert f"line {number}" in f"{error['where']} {error['what']}"
    assert "mlops.toml" in error["where"]
    assert key in error["where"]
    assert not (raw / ".mlops").exists()


@pytest.mark.slow
def test_a_folder_in_which_no_tables_can_be_stored(raw: Path, tmp_path: Path) -> None:
    folder = tmp_path / "runs [v2]"
    folder.mkdir()
    data = raw / "data/parcels.parquet"
    for words in (["init", "shop", "--data", data, "--target", "late", "--yes"], ["demo"]):
        assert mlops(*words, code=2, cwd=folder).error["code"] == "unusable_folder"
        assert list(folder.iterdir()) == []
    shutil.copytree(raw, folder / "moved")
    for words in (["run"], ["status"], ["serve", "--port", "0"]):
        assert mlops(*words, code=2, project=folder / "moved").error["code"] == "unusable_folder"


# ---- no project, nothing live ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["run", "serve", "status", "score FILE"])
def test_no_project_here(tmp_path: Path, command: str) -> None:
    error = mlops(*command.split(), code=2, cwd=tmp_path).error
    assert error["code"] == "no_project"
    assert "mlops demo" in error["hint"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_before_the_first_run_nothing_is_live(raw: Path, tmp_path: Path) -> None:
    outcomes = tmp_path / "outcomes.jsonl"
    outcomes.write_text('{"id":"p1","known_at":"2024-04-01T10:00:00Z","late":true,"delay":null}\n')
    for words, exit_code, code in (
        (["serve", "--port", "0"], 2, "nothing_live"),
        (["score", raw / "data/parcels.parquet"], 2, "nothing_live"),
        (["outcomes", outcomes], 3, "nothing_live"),
        (["explain", "p1"], 2, "unknown_prediction"),
        (["rollback", "--at", "2024-04-01"], 1, "nothing_to_roll_back"),
    ):
        assert mlops(*words, project=raw, code=exit_code).error["code"] == code
    assert mlops("history", project=raw).data["decisions"] == []
    status = mlops("status", project=raw).data
    assert (status["champion"], status["predictions"], status["last_decision"]) == (None, 0, None)
    assert mlops("tick", project=raw).data["decisions"] == []


# ---- data --------------------------------------------------------------------------------------------------------------


def rewrite(raw: Path, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    file = raw / "data/parcels.parquet"
    change(pl.read_parquet(file)).write_parquet(file)


def at_row_17(value: pl.Expr, otherwise: str) -> pl.Expr:
    return pl.when(pl.int_range(pl.len()) == 17).then(value).otherwise(otherwise)


BAD_SOURCES: dict[str, tuple[Callable[[pl.DataFrame], pl.DataFrame], str, str]] = {
    "missing column": (lambda frame: frame.drop("items"), "missing_column", "items"),
    "wrong type": (lambda frame: frame.with_columns(pl.col("items").cast(pl.String) + "x"), "wrong_type", "items"),
    "no moment": (lambda frame: frame.with_columns(pl.col("asked_at").dt.epoch()), "wrong_type", "asked_at"),
    "early label": (
        lambda frame: frame.with_columns(
            arrived_at=at_row_17(pl.col("asked_at") - timedelta(microseconds=1), "arrived_at")
        ),
        "outcome_too_early",
        "row 17",
    ),
}


@pytest.mark.parametrize("name", BAD_SOURCES)
def test_a_bad_source_is_refused_and_nothing_is_loaded(raw: Path, name: str) -> None:
    change, code, place = BAD_SOURCES[name]
    rewrite(raw, change)
    if name in {"missing column", "early label"}:
        error = mlops("run", project=raw, code=2).error
    else:
        project = load_project(raw)
        with pytest.raises(InvalidInput) as caught:
            load_sources(project, Lake(project.lake_path), now=EPOCH, received_at=EPOCH)
        error = caught.value.as_dict()
    assert all(error.values())
    assert error["code"] == code
    assert "parcels" in error["where"]
    assert place in f"{error['where']} {error['what']}"
    assert is_empty(raw)


@pytest.mark.parametrize("name", ["missing column", "early label"])
def test_a_source_that_turns_bad_changes_nothing_in_a_live_project(project: Project, name: str) -> None:
    def files() -> dict[Path, bytes]:
        files = (path for path in project.home.rglob("*") if path.is_file() and path.parent.name != "mirror")
        found = {path: path.read_bytes() for path in files}
        found.pop(project.home / "ingest.lock", None)
        return found

    change, code, _ = BAD_SOURCES[name]
    before = files()
    rewrite(project.root, change)
    with pytest.raises(InvalidInput) as caught:
        Loop(project).run(day_begin(24), by="test")
    assert caught.value.code == code
    assert files() == before


@pytest.mark.parametrize("file", ["parcels.parquet", "traffic.csv", "depots.jsonl"])
@pytest.mark.parametrize("what", ["gone", "damaged"])
def test_a_data_file_that_is_gone_or_damaged(raw: Path, file: str, what: str) -> None:
    path = raw / "data" / file
    path.unlink()
    if what == "damaged":
        path.write_bytes(b"\xff\xfe\x00 nothing that anybody can read")
    project = load_project(raw)
    with pytest.raises(InvalidInput) as caught:
        load_sources(project, Lake(project.lake_path), now=EPOCH, received_at=EPOCH)
    assert file.split(".")[0] in str(caught.value.where)
    assert caught.value.hint
    assert is_empty(raw)


def test_more_rows_in_the_source_are_added_once(raw: Path, world: World) -> None:
    project = load_project(raw)
    lake = Lake(project.lake_path)
    rewrite(raw, lambda frame: frame.head(1000))
    load_sources(project, lake, now=EPOCH, received_at=EPOCH)
    world.parcels.head(1500).write_parquet(raw / "data/parcels.parquet")
    load_sources(project, lake, now=EPOCH, received_at=EPOCH)
    load_sources(project, lake, now=EPOCH, received_at=EPOCH)
    there = lake.read("parcels").sort("parcel_id")
    assert there.drop("received_at", "received_as").equals(world.parcels.head(1500).sort("parcel_id"))
    assert there["received_at"].null_count() == 1000, "what a first load brings was known when it was known"


def test_a_csv_of_ids_that_look_like_numbers(raw: Path, world: World) -> None:
    """007 is not 7, and a column without a single value fits any nullable field."""
    frame = pl.read_parquet(raw / "data/parcels.parquet").with_columns(
        pl.col("parcel_id").str.slice(1), customer=pl.lit("007"), weight=pl.lit(None, pl.Float64)
    )
    moments = pl.selectors.datetime().dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
    frame.with_columns(moments).write_csv(raw / "data/parcels.csv")
    (raw / "mlops.toml").write_text(CONFIG.replace("data/parcels.parquet", "data/parcels.csv"))
    project = load_project(raw)
    lake = Lake(project.lake_path)
    load_sources(project, lake, now=EPOCH, received_at=EPOCH)
    assert lake.read("parcels").sort("parcel_id").equals(frame.sort("parcel_id"))


# ---- pipeline.py -----------------------------------------------------------------------------------------------------

BAD_PIPELINES = {
    "syntax": ("features = Features(", "features = Features((", "bad_pipeline", "line"),
    "raises": ("asked = pl.col", "asked = 1 / 0 + pl.col", "bad_pipeline", "line 7"),
    "no model": ("def model():", "def modell():", "bad_pipeline", "model"),
    "unknown table": ('"depot_12h", "parcels"', '"depot_12h", "parsels"', "unknown_table", "depot_12h"),
    "unknown column": ('mean("delay")', 'mean("delays")', "unknown_column", "delays"),
    "bad window": ('over="12h"', 'over="half a day"', "bad_duration", "half a day"),
    "window for last": ('{"load": last("load")}', '{"load": last("load")}, over="3h"', "bad_view", "load"),
    "python function": (
        '"evening": asked',
        '"odd": pl.col("items").map_elements(lambda n: n % 2, return_dtype=pl.Int64), "evening": asked',
        "code_in_expression",
        "odd",
    ),
    "unknown input": ('"hour", "per_item"', '"hour", "nowhere", "per_item"', "bad_features", "nowhere"),
    "unknown root": ('pl.col("distance")', 'pl.col("way")', "bad_features", "way"),
    "the label as an input": ('"hour", "per_item"', '"hour", "late", "per_item"', "bad_features", "late"),
    "the truth in a derived one": ('pl.col("distance")', 'pl.col("delay")', "bad_features", "delay"),
    "wrong types": ('"evening": asked', '"evening": pl.col("depot") * 2 + asked', "bad_features", ""),
    "another library": (
        "    return LGBMClassifier(",
        "    from sklearn.dummy import DummyClassifier\n    return DummyClassifier() or LGBMClassifier(",
        "not_convertible",
        "DummyClassifier",
    ),
    "a model that raises": ("    return LGB", "    print(1 / 0)\n    return LGB", "bad_pipeline", "ZeroDivisionError"),
    "a parameter that is none": ("num_leaves=8", "num_leaves=-8", "bad_pipeline", "num_leaves"),
}


@pytest.mark.parametrize("name", BAD_PIPELINES)
def test_a_bad_pipeline_is_told_with_its_place(raw: Path, name: str) -> None:
    old, new, code, place = BAD_PIPELINES[name]
    path = raw / "pipeline.py"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    if name == "raises":
        error = mlops("run", project=raw, code=2).error
    else:
        with pytest.raises(InvalidInput) as caught:
            train(load_project(raw))
        error = caught.value.as_dict()
    assert all(error.values())
    assert error["code"] == code
    assert place in f"{error['where']} {error['what']}"
    assert not (raw / ".mlops/deployment.json").exists()


def train(project: Project) -> None:
    """What `mlops run` does until there is a model, without MLflow."""
    lake = Lake(project.lake_path)
    load_sources(project, lake, now=EPOCH, received_at=EPOCH)
    candidate = prepare_candidate(project, lake, now=day_begin(24))
    fitted = fit(candidate.pipeline, candidate.data)
    package(fitted, make_plan(project, candidate, fitted), candidate.data.inputs)


def test_a_mended_project_goes_on(project: Project) -> None:
    """What was refused half-way is picked up when the reason is gone, and is decided once."""
    path = project.root / "pipeline.py"
    pipeline = path.read_text().replace("n_estimators=20", "n_estimators=2")
    path.write_text(pipeline.replace("def model():", "def model():\n    raise KeyError('oh')\n", 1))
    for _ in range(2):
        with pytest.raises(InvalidInput, match="oh"):
            Loop(project).run(day_begin(24), by="test")
    path.write_text(pipeline)
    assert Loop(project).run(day_begin(24), by="test").what == "refuse"
    assert [str(decision.what) for decision in Loop(project).decisions] == ["retrain", "bootstrap", "retrain", "refuse"]


def test_too_little_data(raw: Path) -> None:
    rewrite(raw, lambda frame: frame.head(99))
    with pytest.raises(InvalidInput) as caught:
        train(load_project(raw))
    assert caught.value.code == "too_little_data"
    assert caught.value.hint


# ---- the lake, the command line --------------------------------------------------------------------------------------


def test_a_damaged_lake_is_told(project: Project) -> None:
    log = project.lake_path / "decisions/_delta_log"
    shutil.rmtree(log)
    log.mkdir()
    (log / "00000000000000000000.json").write_text("{ nothing")
    error = mlops("history", project=project.root, code=3).error
    assert error["code"] == "lake_fault"
    assert "decisions" in error["where"]
    with pytest.raises(MlopsError):
        Loop(project)


@pytest.mark.parametrize("words", ["bogus", "status --bogus", "run extra", "score", "serve --port many", ""])
def test_wrong_use(raw: Path, words: str) -> None:
    ran = mlops(*words.split(), code=2, cwd=raw)
    assert ran.data["error"]["code"] == "usage"
    assert "--help" in ran.data["error"]["hint"]
    assert "--help" in ran.err
