"""MLflow's database moves with its project: paths below the old folder are rewritten, others stay."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mlops_lab.registry.store.database import _PATH_COLUMNS, place_model, update_paths

OLD = "/old/place/artifacts"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """The tables of MLflow as far as they hold paths."""
    path = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE experiments (name TEXT, artifact_location TEXT)")
        connection.execute("CREATE TABLE runs (artifact_uri TEXT)")
        connection.execute("CREATE TABLE model_versions (source TEXT, storage_location TEXT)")
        connection.execute("INSERT INTO experiments VALUES ('tiny', ?), ('other', '/elsewhere')", [OLD])
        connection.execute("INSERT INTO runs VALUES (?), ('/elsewhere/run')", [f"{OLD}/run/artifacts"])
        connection.execute("CREATE TABLE logged_models (model_id TEXT, artifact_location TEXT)")
        connection.execute("INSERT INTO logged_models VALUES ('m-1', ?)", [f"{OLD}/models/m-1/artifacts"])
        connection.execute("INSERT INTO model_versions VALUES (?, NULL)", [f"{OLD}/run/artifacts/model"])
    return path


def read_paths(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        rows = [connection.execute(f"SELECT {column} FROM {table}") for table, column in _PATH_COLUMNS]
        return [path for cursor in rows for (path,) in cursor if path is not None]


def test_the_paths_of_a_moved_project_are_rewritten(database):
    update_paths(database, name="tiny", artifacts=Path("/new/artifacts"))
    assert read_paths(database) == [
        "/new/artifacts",
        "/elsewhere",
        "/new/artifacts/run/artifacts",
        "/elsewhere/run",
        "/new/artifacts/run/artifacts/model",
        "/new/artifacts/models/m-1/artifacts",
    ]


@pytest.mark.parametrize(("name", "artifacts"), [("tiny", OLD), ("unknown", "/new/artifacts")])
def test_where_nothing_has_moved_nothing_changes(database, name, artifacts):
    before = read_paths(database)
    update_paths(database, name=name, artifacts=Path(artifacts))
    assert read_paths(database) == before


def test_the_files_of_a_logged_model_are_the_package(database):
    place_model(database, "m-1", package=Path("/old/place/artifacts/run/artifacts/model"))
    assert read_paths(database)[-1] == "/old/place/artifacts/run/artifacts/model"
