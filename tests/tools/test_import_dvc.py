"""A repository that DVC made comes into a project: its data at a revision, its parameters and metrics."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from running import mlops
from tool_runs import PEERS, run
from webhook import skip_without

from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.starter.samples import find_sample

pytestmark = [pytest.mark.tools, pytest.mark.timeout(600)]

DVC = PEERS / "dvc" / "bin" / "dvc"
PREPARE = """
import json, pathlib
params = json.loads(pathlib.Path("params.json").read_text())["prepare"]
lines = pathlib.Path("raw.csv").read_text().splitlines()
out = pathlib.Path("out")
(out / "parts").mkdir(parents=True, exist_ok=True)
(out / "orders.csv").write_text("\\n".join(lines[: 1 + params["rows"]]) + "\\n")
for name, part in (("a", lines[1:3]), ("b", lines[3:5])):
    (out / "parts" / f"{name}.csv").write_text("\\n".join([lines[0], *part]) + "\\n")
pathlib.Path("metrics.json").write_text(json.dumps({"auc": 0.75, "test": {"loss": float("nan"), "rows": params["rows"]}}))
"""
PIPELINE = """
stages:
  prepare:
    cmd: python prepare.py
    deps: [prepare.py, raw.csv]
    params: [params.json: [prepare]]
    outs: [out/orders.csv, out/parts]
    metrics: [metrics.json: {cache: false}]
"""


def dvc(folder: Path, *words: str, code: int = 0) -> str:
    return run(["dvc", *words], folder, tool="dvc", code=code, DVC_NO_ANALYTICS="1").stdout


def commit(folder: Path, tag: str, *, rows: int) -> None:
    (folder / "params.json").write_text(json.dumps({"prepare": {"rows": rows, "kinds": ["a", "b"]}}))
    dvc(folder, "repro")
    for words in (
        ["add", "-A"],
        ["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", tag],
        ["tag", tag],
    ):
        run(["git", *words], folder)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with two revisions of a table of orders, one added by hand, and a remote storage."""
    skip_without("dvc", is_there=DVC.exists(), install="make peers")
    folder = tmp_path_factory.mktemp("dvc") / "churn"
    folder.mkdir()
    run(["git", "init", "-q"], folder)
    dvc(folder, "init")
    dvc(folder, "remote", "add", "-d", "storage", str(folder.parent / "storage"))
    (folder / "raw.csv").write_text(find_sample("shop").write())
    (folder / "prepare.py").write_text(PREPARE)
    (folder / "dvc.yaml").write_text(PIPELINE)
    dvc(folder, "add", "raw.csv")
    commit(folder, "v1", rows=1500)
    commit(folder, "v2", rows=2000)
    dvc(folder, "push", "--all-commits")
    return folder


def bring(repository: Path, path: str, *words: object, project: Path | None = None, code: int = 0) -> dict[str, Any]:
    ran = mlops("import", "dvc", repository, path, "--dvc", DVC, *words, project=project, code=code)
    return ran.data if code == 0 else ran.error


def test_a_project_is_made_and_follows_the_repository(theirs: Path, tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    made = bring(theirs, "out/orders.csv", "--rev", "v1", "--new", shop, "--target", "late")
    assert (made["project"], made["file"], made["state"]) == ("shop", "data/orders.csv", "new")
    assert made["parameters"] == {"prepare.rows": "1500", "prepare.kinds": "['a', 'b']"}
    assert made["metrics"] == {"auc": 0.75, "test.rows": 1500.0}
    assert made["origin"]["commit"] == run(["git", "rev-parse", "v1"], theirs).stdout.strip()
    tracked = json.loads(dvc(theirs, "list", ".", "out/orders.csv", "--rev", "v1", "--json"))
    assert made["origin"]["dvc_hash"] == tracked[0]["md5"]
    assert len((shop / "data" / "orders.csv").read_text().splitlines()) == 1501
    assert mlops("run", project=shop, code=None).data["version"] == 1

    again = bring(theirs, "out/orders.csv", project=shop)
    assert (again["state"], again["parameters"]["prepare.rows"]) == ("changed", "2000")
    assert (shop / "data" / "orders.csv").read_bytes() == (theirs / "out" / "orders.csv").read_bytes()
    assert bring(theirs, "out/orders.csv", project=shop) == again | {"state": "same"}
    compared = mlops("compare", made["run_id"], again["run_id"], "1", project=shop).data
    assert compared["differing"]["prepare.rows"] == ["1500", "2000", None]
    assert (compared["metrics"]["test.rows"], compared["best"]) == ([1500.0, 2000.0, None], {})
    mlops("run", project=shop, code=None)
    assert Lake(shop / ".mlops" / "lake").read("shop").height == 2000


def test_folders_and_what_only_the_remote_storage_has(theirs: Path, live_project: Project, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    run(["git", "clone", "-q", str(theirs), str(clone)], tmp_path)
    assert not (clone / "out" / "parts").exists()
    root = live_project.root
    assert bring(clone, "out/parts", project=root)["state"] == "new"
    assert sorted(file.name for file in (root / "data" / "parts").iterdir()) == ["a.csv", "b.csv"]
    assert bring(clone, "out/parts/b.csv", "--rev", "v1", project=root)["origin"]["dvc_hash"] is None
    assert (root / "data" / "b.csv").read_bytes() == (theirs / "out" / "parts" / "b.csv").read_bytes()
    shutil.move(theirs.parent / "storage", theirs.parent / "away")
    try:
        shutil.rmtree(clone / ".dvc" / "cache", ignore_errors=True)
        assert bring(clone, "raw.csv", project=root, code=2)["code"] == "dvc_refused"
    finally:
        shutil.move(theirs.parent / "away", theirs.parent / "storage")
    assert not (root / "data" / "raw.csv").exists()


def test_wrong_input(theirs: Path, live_project: Project, tmp_path: Path) -> None:
    root = live_project.root
    error = bring(theirs, "out/order.csv", project=root, code=2)
    assert (error["code"], 'did you mean "out/orders.csv"?' in error["hint"]) == ("not_tracked", True)
    assert bring(theirs, "out/orders.csv", "--rev", "v9", project=root, code=2)["code"] == "dvc_refused"
    assert bring(theirs, "out/orders.csv", "--target", "late", project=root, code=2)["where"] == "--target"
    assert bring(theirs, "out/orders.csv", "--new", tmp_path / "shop", code=2)["code"] == "no_target"
    wrong = bring(theirs, "out/orders.csv", "--new", tmp_path / "shop", "--target", "lat", code=2)
    assert wrong["code"] == "unknown_column"
    assert not (tmp_path / "shop").exists()
    plain = tmp_path / "plain"
    plain.mkdir()
    run(["dvc", "init", "--no-scm"], plain, tool="dvc", DVC_NO_ANALYTICS="1")
    assert bring(plain, "raw.csv", project=root, code=2)["code"] == "dvc_refused"
