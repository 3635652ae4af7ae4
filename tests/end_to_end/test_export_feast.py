"""The Feast repository that is exported: the same values, asked of Feast itself in an environment of its own."""

from __future__ import annotations

import ast
import json
import os
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from running import mlops, serving
from synthetic import World, day_begin, live
from test_parity import play

from mlops_lab.features.offline import look_up, view_values
from mlops_lab.lake import Lake
from mlops_lab.project import Project, load_project
from mlops_lab.tables.facts import read_facts, read_labelled
from mlops_lab.training.pipeline import load_pipeline

FEAST = Path(__file__).parents[2] / ".peers" / "feast" / "bin" / "python"
KEYS = ["customer", "depot"]


@pytest.fixture
def used_project(copy_project: Callable[[], Project], world: World) -> Project:
    """A project whose outcomes and traffic came in by the server too."""
    project = copy_project()
    with serving(project) as server:
        play(server.talk(), live(world, day_begin(24), day_begin(25)))
    return load_project(project.root)


def sample_rows(project: Project) -> pl.DataFrame:
    asked = pl.col("asked_at").alias("event_timestamp")
    rows = read_labelled(project, Lake(project.lake_path)).select(asked, *KEYS).drop_nulls()
    edge = rows.head(20).with_columns(pl.col("event_timestamp") + timedelta(microseconds=1))
    return pl.concat([rows.gather_every(5), edge]).with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))


def test_the_files_and_their_values(used_project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "feature repo"
    rows = mlops("export", "feast", folder, project=used_project.root).data["rows"]
    assert rows.keys() == {"depot_12h", "customer", "traffic", "depots"}
    ast.parse((folder / "features.py").read_text())
    written = [path for path in folder.rglob("*") if path.suffix in {".py", ".yaml", ".md"}]
    assert len(written) == 3
    assert not any(str(tmp_path) in path.read_text() for path in written), "it can be moved elsewhere"
    lake = Lake(used_project.lake_path)
    facts = read_facts(used_project, lake)
    asked = sample_rows(used_project)
    for view in load_pipeline(used_project).features.views:
        changes = pl.read_parquet(folder / "data" / f"{view.name}.parquet")
        assert changes.height == rows[view.name]
        at_or_before = asked.sort("event_timestamp").join_asof(
            changes.sort("event_timestamp"), on="event_timestamp", by=list(view.keys), check_sortedness=False
        )
        ours = view_values(view, asked, time="event_timestamp", facts=facts[view.table])
        known = at_or_before["created_timestamp"].is_not_null()
        theirs = at_or_before.filter(known).sort("row")
        assert theirs.height > 300
        assert theirs.select(ours.columns).equals(
            ours.filter(pl.Series(range(ours.height)).is_in(theirs["row"].implode()))
        )


def test_a_folder_with_other_files_is_not_changed(used_project: Project, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    error = mlops("export", "feast", tmp_path, project=used_project.root, code=2).error
    assert error["code"] == "folder_taken"
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.tools
@pytest.mark.exporter("feast")
@pytest.mark.timeout(900)
def test_feast_has_the_same_values(used_project: Project, tmp_path: Path) -> None:
    if not FEAST.exists():
        assert not os.environ.get("CI"), "CI lacks .peers/feast"
        pytest.skip("needs Feast in an environment of its own: make peers")
    folder = tmp_path / "repo"
    mlops("export", "feast", folder, project=used_project.root)
    asked = sample_rows(used_project)
    asked.write_parquet(tmp_path / "asked.parquet")
    script = Path(__file__).parents[2] / "benchmarks" / "ask_feast.py"
    words = [FEAST, script, folder, tmp_path / "asked.parquet", "2100-01-01T00:00:00"]
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]

    lake, features = Lake(used_project.lake_path), load_pipeline(used_project).features
    facts = read_facts(used_project, lake)
    ours = look_up(features, asked, time="event_timestamp", facts=facts)
    theirs = pl.read_parquet(folder / "historical.parquet").sort("row")
    assert theirs.height == asked.height, "every row that was asked comes back"
    for view in features.views:
        for name in view.values:
            differing = ours.filter(ours[name].ne_missing(theirs[name].cast(ours.schema[name])))
            # an entity that no fact names: a count of 0 here, null in Feast
            assert differing.is_empty() or name == "depot_seen", (name, differing.head(3))

    online = json.loads((folder / "online.json").read_text())
    entities = pl.DataFrame({key: online[key] for key in KEYS})
    late = entities.with_columns(pl.lit(facts["parcels"]["_seen_at"].max()).alias("now") + timedelta(days=365))
    now = look_up(features, late, time="now", facts=facts)
    for name in ("customer_delay", "load", "docks"):
        assert now[name].to_list() == online[name]
    assert set(online["depot_seen"]) == {0.0}, "in a year's time the window is empty"
