"""A version trained again from its record: the same bytes, or the first thing that differs by name."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from running import mlops
from slow import mostly_slow
from synthetic import World, write_project

from mlops_lab.ids import hash_bytes
from mlops_lab.lake import Lake
from mlops_lab.lineage.reproduce.notes import read_notes
from mlops_lab.project import Project, load_project
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.versions import find_version


def contents(folder: Path) -> dict[str, str]:
    """Every file of the project, by its content."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hash_bytes([path.read_bytes()]) for path in files}


def package_of(project: Project, version: int = 1) -> Path:
    return project.root / find_version(read_decisions(Lake(project.lake_path)), version).package


def editable_package_of(project: Project) -> Path:
    """The package in a project that does not sign, as those of older releases."""
    (project.home / "keys.json").unlink()
    return package_of(project)


def edit_json(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


@pytest.mark.parametrize("name", mostly_slow(["iris", "diabetes"], quick=["iris"]))
def test_a_version_is_the_same_model_again_and_the_project_is_only_read(copies: Any, name: str, tmp_path: Path) -> None:
    project = copies(name)
    (project.root / "pipeline.py").write_text("raise RuntimeError('the files of now play no part')")
    (project.root / "mlops.toml").write_text(
        (project.root / "mlops.toml").read_text() + "\n[triggers]\nevery_days = 9\n"
    )
    (project.root / "data.csv").unlink()
    before = contents(project.root)
    made = mlops("reproduce", 1, "--dir", tmp_path / "again", project=project.root).data
    assert (made["same"], made["differences"], made["new_environment"]) == (True, [], False)
    assert made["fingerprint"] == made["fingerprint_again"]
    assert contents(project.root) == before
    kept = package_of(project)
    for file in ("model.onnx", "plan.json"):
        assert (tmp_path / "again" / "packages" / "1" / file).read_bytes() == (kept / file).read_bytes()
    assert "class" not in (tmp_path / "again" / "project" / "mlops.toml").read_text()
    error = mlops("reproduce", 1, "--dir", tmp_path / "again", project=project.root, code=2).error
    assert error["code"] == "not_empty"


def test_the_version_of_a_rollout_is_reproduced_with_its_data_as_of_then(lived: Path, tmp_path: Path) -> None:
    project = load_project(Path(shutil.copytree(lived / "promoted", tmp_path / "project")))
    before = contents(project.root)
    made = mlops("reproduce", 2, "--note", project=project.root).data
    assert (made["version"], made["same"], made["differences"]) == (2, True, [])
    after = contents(project.root)
    assert after.keys() - before.keys() == {".mlops/reproduced/2.json"}
    assert before.items() <= after.items()
    assert read_notes(project)[0].is_same


@pytest.mark.slow
def test_settings_beside_the_file_and_modules_beside_the_pipeline_are_kept(world: World, tmp_path: Path) -> None:
    root = tmp_path / "project"
    write_project(root, world)
    text = (root / "pipeline.py").read_text()
    (root / "shared").mkdir()
    (root / "shared" / "sizes.py").write_text("TREES = 7\n")
    assert "def model():" in text
    (root / "pipeline.py").write_text(
        text + "\n\n_model = model\n\ndef model():\n    from shared.sizes import TREES\n"
        "    return _model().set_params(n_estimators=TREES)\n"
    )
    (root / "shared" / "__init__.py").write_text("")
    variables = {**os.environ, "MLOPS_BACKTEST__DAYS": "4", "MLOPS_SERVING__PORT": "9321"}
    assert mlops("run", "--set", "backtest.min_days=2", project=root, env=variables, code=None).data["version"] == 1
    project = load_project(root)
    lineage = json.loads((package_of(project) / "lineage.json").read_text())
    assert sorted(lineage["settings"]) == ["backtest.days=4", "backtest.min_days=2"]
    (root / "shared" / "sizes.py").write_text("TREES = 9\n")
    made = mlops("reproduce", 1, project=root, env=variables | {"MLOPS_BACKTEST__DAYS": "6"}).data
    assert (made["same"], made["differences"]) == (True, [])
    edit = editable_package_of(project) / "code" / "shared" / "sizes.py"
    edit.write_text("TREES = 8\n")
    ran = mlops("reproduce", 1, project=root, code=1)
    assert [each["kind"] for each in ran.data["differences"]] == ["code"]
    assert ran.data["largest"] > 0
    assert "the first thing that differs is code: pipeline.py, mlops.toml" in ran.err


@pytest.mark.slow
def test_other_packages_are_named_and_matter_only_where_the_model_is_another(copies: Any) -> None:
    project = copies("iris")
    package = editable_package_of(project)

    def install_other(environment: dict[str, Any]) -> None:
        for entry in environment["packages"]:
            if entry["name"] in {"scikit-learn", "aiohttp"}:
                entry["version"] = "0.1"
        environment["cpu"], environment["threads"] = "a 6502", 64

    edit_json(package / "environment.json", install_other)
    edit_json(package / "lineage.json", lambda lineage: lineage.update(environment="another"))
    made = mlops("reproduce", 1, "--same-environment", project=project.root).data
    assert made["same"]
    named = [(each["kind"], each["name"], each["then"]) for each in made["differences"]]
    assert named[0] == ("package", "scikit-learn", "0.1"), "what is imported comes first"
    assert named[-2:] == [("machine", "cpu", "a 6502"), ("machine", "threads", "64")]
    offline = os.environ | {"PIP_NO_INDEX": "1", "PATH": os.pathsep.join(["/usr/bin", "/bin"])}
    error = mlops("reproduce", 1, project=project.root, code=3, env=offline).error
    assert error["code"] == "no_environment"
    assert "--same-environment" in error["hint"]
    edit_json(package / "environment.json", lambda environment: environment.update(python="3.9.1"))
    error = mlops("reproduce", 1, project=project.root, code=3, env=offline).error
    assert error["code"] == "other_python"


@pytest.mark.slow
def test_a_training_that_is_not_deterministic_says_by_how_much(copies: Any, tmp_path: Path) -> None:
    project = copies("iris")
    pipeline = project.root / "pipeline.py"
    pipeline.write_text(
        pipeline.read_text() + "\n\n_model = model\n\ndef model():\n    import os\n    made = _model()\n"
        "    name = [name for name in made.get_params() if name.split('__')[-1] == 'C'][0]\n"
        "    return made.set_params(**{name: 1 + os.urandom(1)[0]})\n"
    )
    assert mlops("run", project=project.root, code=None).data["version"] == 2
    ran = mlops("reproduce", 2, project=project.root, code=1)
    assert (ran.data["same"], ran.data["differences"], ran.data["compared_rows"]) == (False, [], 120)
    assert 0 < ran.data["largest"] < 1
    assert "its training is not deterministic; answers differ by up to" in ran.err


def test_changed_data_is_named_first_and_data_that_is_gone_is_an_error(copies: Any) -> None:
    project = copies("iris")
    (file,) = (project.lake_path / "flowers").glob("*.parquet")
    rows = pl.read_parquet(file)
    file.with_suffix(".before").write_bytes(file.read_bytes())
    rows.with_columns(pl.col("petal_width") * 2).write_parquet(file)
    ran = mlops("reproduce", 1, project=project.root, code=1)
    assert [each["kind"] for each in ran.data["differences"]] == ["data", "training set"]
    assert "data: table flowers@0" in ran.err
    file.unlink()
    error = mlops("reproduce", 1, project=project.root, code=3).error
    assert (error["code"], error["where"]) == ("data_gone", "version 1, table flowers@0")


@pytest.mark.slow
def test_a_version_of_a_release_that_kept_no_code_says_so_with_a_way_on(copies: Any) -> None:
    project = copies("iris")
    package = editable_package_of(project)
    shutil.rmtree(package / "code")
    (package / "environment.json").unlink()

    def as_before(lineage: dict[str, Any]) -> None:
        del lineage["until"], lineage["settings"]

    edit_json(package / "lineage.json", as_before)
    assert mlops("reproduce", 1, project=project.root).data["same"], "the files are still those of then"
    pipeline = project.root / "pipeline.py"
    text = pipeline.read_text()
    pipeline.write_text(text + "# another")
    error = mlops("reproduce", 1, project=project.root, code=2).error
    assert error["code"] == "no_code"
    assert "put the files of then back" in error["hint"]
    pipeline.write_text(text)
    git = ["git", "-C", str(project.root), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (["init"], ["add", "pipeline.py", "mlops.toml"], ["commit", "-m", "first"]):
        subprocess.run([*git, *words], check=True, capture_output=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    edit_json(package / "lineage.json", lambda lineage: lineage.update(commit=head))
    pipeline.write_text(text + "# another")
    assert mlops("reproduce", 1, project=project.root).data["same"], "the commit has them"


def test_an_unknown_version_is_an_error(copies: Any) -> None:
    assert mlops("reproduce", 7, project=copies("iris").root, code=2).error["code"] == "unknown_version"
