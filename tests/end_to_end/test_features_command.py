"""`mlops features`: what the features are, how they changed, and that they were served as defined."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from running import mlops, serving
from synthetic import World, day_begin, live
from test_parity import play

from mlops_lab.alerts.channels.table import read_alerts
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.tables.declared import OUTCOMES, PREDICTIONS


def test_views_and_derived_features_are_listed(template: Path) -> None:
    found = mlops("features", "list", project=template).data
    assert [view["name"] for view in found["views"]] == ["depot_12h", "customer", "traffic", "depots"]
    assert found["views"][0]["live_in"] == [1]
    assert found["views"][0]["types"] == {"depot_delay": "Float64", "depot_seen": "Float64"}
    assert set(found["derived"]) == {"hour", "per_item", "hours_since", "evening"}
    assert mlops("features", "show", "customer", project=template).data["by"] == [["customer", "customer"]]


def test_a_view_that_is_not_there(template: Path) -> None:
    error = mlops("features", "show", "customers", project=template, code=2).error
    assert error["code"] == "unknown_view"
    assert "depot_12h, customer" in error["hint"]


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    done = subprocess.run(["git", "-C", str(folder), *identity, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_definition_differs_from_a_version_and_from_a_commit(project: Project) -> None:
    root = project.root
    git(root, "init", "-q")
    git(root, "add", "pipeline.py", "mlops.toml")
    git(root, "commit", "-qm", "first")
    assert mlops("features", "diff", "1", project=root).data["same"]
    assert mlops("features", "diff", "HEAD", project=root).data["same"]
    path = root / "pipeline.py"
    text = (
        path.read_text().replace('over="12h"', 'over="6h"').replace('"Europe/Berlin").dt.hour(),', '"UTC").dt.hour(),')
    )
    path.write_text(
        text.replace('        View("depots", "depots", by="depot", values={"docks": last("docks")}),\n', "")
    )
    for other in ("1", "HEAD"):
        found = mlops("features", "diff", other, project=root).data
        assert found["views"]["removed"] == ["depots"]
        assert found["views"]["changed"] == {"depot_12h": {"over": {"then": "12h", "now": "6h"}}}
        assert list(found["derived"]["changed"]) == ["hour"], "the zone counts, though it is not in the words"
        assert found["inputs"] == {"added": [], "removed": [], "changed": {}}


@pytest.mark.parametrize("other", ["99", "nothing-of-the-kind"])
def test_something_that_is_no_definition(template: Path, other: str) -> None:
    error = mlops("features", "diff", other, project=template, code=2).error
    assert all(error[part] for part in ("code", "what", "hint"))


def test_all_that_was_served_is_verified(copy_project: Callable[[], Project], world: World) -> None:
    project = copy_project()
    with serving(project) as server:
        play(server.talk(), live(world, day_begin(24), day_begin(25)))
    told = mlops("features", "verify", project=project.root).data
    assert told["predictions"] > 60
    assert (told["differing"], told["examples"]) == (0, [])
    lake = Lake(project.lake_path)
    assert told["answers"] == told["predictions"]
    assert told["rows_checked"] > told["predictions"], "the outcomes are checked, too"
    assert (told["unverified"], told["log"]) == ([], [])
    forged = PREDICTIONS.read(lake).head(1).with_columns(id=pl.lit("forged"), hour=pl.lit(25.0), output=pl.lit(2.0))
    PREDICTIONS.append(lake, forged)
    told = mlops("features", "verify", project=project.root, code=1).data
    assert told["by_feature"] == {"hour": 1, "output": 1}
    assert (told["examples"][0]["prediction"], told["examples"][0]["served"]) == ("forged", 25.0)
    (problem,) = told["log"]
    assert (problem["table"], problem["what"]) == ("predictions", "rows that were not logged: 1")
    assert problem["since"] <= forged["at"][0].isoformat() < problem["until"]


def test_a_log_that_was_changed_is_told(copy_project: Callable[[], Project], world: World) -> None:
    project = copy_project()
    with serving(project) as server:
        play(server.talk(), live(world, day_begin(24), day_begin(25)))
    mlops("features", "verify", project=project.root)
    lake = Lake(project.lake_path)
    path = str(lake.table_path(OUTCOMES.name))
    pl.read_delta(path).head(-3).write_delta(path, mode="overwrite")
    ran = mlops("features", "verify", project=project.root, code=1)
    assert sum(problem["rows"] for problem in ran.data["log"]) == 3
    assert ran.data["differing"] >= 3
    told = mlops("tick", project=project.root)
    assert told.code == 0
    assert [alert for alert in read_alerts(Lake(project.lake_path)) if alert.rule == "log"]
