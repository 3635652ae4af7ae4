"""MLflow's database in a project: made as a whole, and moved together with the project."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from mlflow.tracking import MlflowClient

_PATH_COLUMNS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
    ("logged_models", "artifact_location"),
)


def make_database(database: Path) -> None:
    """Make the database where there is none.

    Making its tables takes seconds, and a database with only half of them is useless. So it gets its name only when it
    is complete: a kill or a full disk on the way leaves none.
    """
    if database.is_file():
        return
    for leftover in database.parent.glob(f"{database.name}.new*"):
        leftover.unlink()
    new = database.with_name(f"{database.name}.new")
    MlflowClient(f"sqlite:///{new}").search_experiments(max_results=1)
    new.replace(database)


def update_paths(database: Path, *, name: str, artifacts: Path) -> None:
    """Write where the artifacts are now: MLflow keeps their full paths, also when a project was moved or copied."""
    with closing(sqlite3.connect(database)) as connection, connection:
        row = connection.execute("SELECT artifact_location FROM experiments WHERE name = ?", [name]).fetchone()
        if row is None or row[0] == str(artifacts):
            return
        old = row[0]
        for table, column in _PATH_COLUMNS:
            connection.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",
                [str(artifacts), len(old) + 1, len(old), old],
            )


def place_model(database: Path, model_id: str, *, package: Path) -> None:
    """Write where the files of a logged model are: MLflow would have them apart from those of the run."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "UPDATE logged_models SET artifact_location = ? WHERE model_id = ?", [str(package), model_id]
        )
