"""The files of a new project: where they may be written, what they say, and that they are written whole or not at all."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import polars as pl
import pytest
from starter_tables import ROWS, make_moments, make_table

from mlops_lab.errors import InvalidInput
from mlops_lab.starter.analyse import analyse_table
from mlops_lab.starter.options import InitOptions
from mlops_lab.starter.write import check_folder, locate_data, make_project, write_files


def files_of(frame: pl.DataFrame, **options: str) -> dict[str, str]:
    return write_files("my-shop", analyse_table(frame, InitOptions("y", **options)), data="../shop.csv", query=None)


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
    assert "mlops contract check" in files_of(clean)[".github/workflows/mlops.yml"]
    assert "mlops contract check" not in files_of(holed)[".github/workflows/mlops.yml"]
    assert tomllib.loads(files_of(holed)["mlops.toml"])["contract"]["max_quarantined_share"] == pytest.approx(0.13)


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
