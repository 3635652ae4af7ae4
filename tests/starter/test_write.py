"""The files of a new project: where they may be written, what they say, and that they are written whole or not at all."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import polars as pl
import pytest
import yaml
from starter_tables import ROWS, make_moments, make_table

from mlops_lab.errors import InvalidInput
from mlops_lab.starter.analyse import analyse_table
from mlops_lab.starter.options import InitOptions
from mlops_lab.starter.requirement import PackageRequirement
from mlops_lab.starter.write import (
    check_folder,
    is_on_this_machine_only,
    locate_data,
    make_project,
    name_extra,
    write_files,
)

WORKFLOW = ".github/workflows/mlops.yml"
RELEASED = PackageRequirement("mlops-lab==1.0", "a release")


def files_of(frame: pl.DataFrame, data: str = "../shop.csv", **options: str) -> dict[str, str]:
    found = analyse_table(frame, InitOptions("y", **options))
    files = write_files("my-shop", found, data=data, query=None, requirement=RELEASED)
    return {path: str(content) for path, content in files.items()}


@pytest.mark.parametrize(
    ("name", "code"),
    [("my project", "bad_name"), ("-x", "bad_name"), ("full", "folder_exists"), ("no/where", "no_folder")],
)
def test_folders_that_cannot_be_used(tmp_path: Path, name: str, code: str) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/notes.txt").write_text("mine")
    with pytest.raises(InvalidInput) as caught:
        check_folder(tmp_path / name)
    assert caught.value.code == code
    assert caught.value.hint


def test_new_and_empty_folders_can_be_used(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert check_folder(tmp_path / "empty") == "empty"
    assert check_folder(tmp_path / "My_shop-2") == "My_shop-2"


@pytest.mark.parametrize(
    ("data", "located"),
    [
        ("shop.csv", "../shop.csv"),
        ("sqlite:///shop.db", "sqlite:///../shop.db"),
        ("sqlite:////data/shop.db", "sqlite:////data/shop.db"),
        ("postgresql://me@host/db", "postgresql://me@host/db"),
        ("/data/shop.csv", "/data/shop.csv"),
    ],
)
def test_data_is_named_as_the_project_sees_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: str, located: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert locate_data(data, Path("made")) == located


def test_the_settings_say_what_was_analysed() -> None:
    frame = make_table(at=make_moments(), id=range(ROWS), same=[1] * ROWS).rename({"a": "weight (kg)"})
    config = tomllib.loads(files_of(frame, key="kind")["mlops.toml"])
    source = config["source"]
    assert (source["id"], source["time"], source["label"], source["key"]) == ("id", "at", "y", "kind")
    assert source["rename"] == {"weight (kg)": "weight_kg"}
    assert source["skip"] == ["same"]
    assert list(source["request"]) == ["at", "weight_kg", "b", "kind"]
    assert (config["project"]["name"], source["table"], source["data"]) == ("my-shop", "my_shop", "../shop.csv")


def test_the_contract_is_checked_only_where_the_data_keeps_it() -> None:
    clean, unclean = make_table(), make_table(id=[None, *range(1, ROWS)])
    holed = unclean.with_columns(y=pl.when(pl.int_range(pl.len()) % 10 > 0).then("y"))
    assert "mlops contract check" in files_of(clean)[WORKFLOW]
    assert "mlops contract check" not in files_of(holed)[WORKFLOW]
    assert tomllib.loads(files_of(holed)["mlops.toml"])["contract"]["max_quarantined_share"] == pytest.approx(0.13)


@pytest.mark.parametrize(
    ("data", "is_inside"),
    [
        ("data/shop.csv", True),
        ("sqlite:///shop.db", True),
        ("sqlite:////data/shop.db", False),
        ("../shop.csv", False),
        ("/data/shop.csv", False),
        ("postgresql://me@host/db", False),
    ],
)
def test_the_workflow_reads_data_only_where_the_repository_has_it(data: str, is_inside: bool) -> None:
    workflow = yaml.safe_load(files_of(make_table(), data=data)[WORKFLOW])
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    conditions = {step["run"].partition(" ||")[0]: step.get("if") for step in steps if "run" in step}
    assert conditions["python -m pytest"] is None
    for command in ("mlops contract check", "mlops run", "mlops tick"):
        assert conditions[command] == (None if is_inside else "env.HAS_DATA == 'true'")
    assert workflow.get("env") == (None if is_inside else {"HAS_DATA": "false"})


def test_a_wheel_goes_with_the_project_that_needs_one() -> None:
    requirement = PackageRequirement("./wheels/a.whl", "from here", b"zip", "wheels/a.whl")
    found = analyse_table(make_table(), InitOptions("y"))
    files = write_files("my-shop", found, data="shop.csv", query=None, requirement=requirement)
    assert files["wheels/a.whl"] == b"zip"
    assert str(files["requirements.txt"]).splitlines()[-1] == "./wheels/a.whl"


@pytest.mark.parametrize(
    ("data", "extra", "is_elsewhere"),
    [
        ("postgresql+psycopg://me@host/db", "[postgres]", False),
        ("../shop.xlsx", "[excel]", False),
        ("data/shop.csv", "", False),
        ("/home/me/shop.csv", "", True),
        ("sqlite:////home/me/shop.db", "", True),
        ("sqlite:///../shop.db", "", False),
    ],
)
def test_what_the_data_needs_elsewhere(data: str, extra: str, is_elsewhere: bool) -> None:
    assert (name_extra(data), is_on_this_machine_only(data)) == (extra, is_elsewhere)


def test_examples_can_be_pasted_into_a_shell() -> None:
    frame = make_table(place=["O'Hare", "JFK"] * (ROWS // 2))
    shown = re.search(r"predict -d '([^']*)'", files_of(frame)["README.md"])
    assert shown
    request = json.loads(shown[1])
    assert request.keys() == {"a", "b", "kind", "place"}
    assert request["place"] == frame["place"][-1]


def test_the_generated_test_imports_one_module_of_ours() -> None:
    modules = set(re.findall(r"(?:from|import) (mlops_lab[\w.]*)", files_of(make_table())["tests/test_project.py"]))
    assert modules == {"mlops_lab.starter.checks"}


def test_a_project_that_cannot_be_loaded_is_not_written(tmp_path: Path) -> None:
    files = files_of(make_table())
    with pytest.raises(InvalidInput):
        make_project(tmp_path / "made", {**files, "pipeline.py": "features = 7"})
    assert list(tmp_path.iterdir()) == []
    make_project(tmp_path / "made", files)
    written = [path for path in (tmp_path / "made").rglob("*") if path.is_file()]
    assert {path.relative_to(tmp_path / "made").as_posix(): path.read_text() for path in written} == files
