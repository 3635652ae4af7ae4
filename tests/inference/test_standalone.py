"""A version in a folder of its own answers as the server does, and refuses what the server refuses."""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from live_projects import live_project, template
from peer_servers import ROWS, answers_of
from running import serving

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.exporters.model_folder import write_model
from mlops_lab.inference.standalone import StandaloneModel
from mlops_lab.project import Project

__all__ = ["live_project", "template"]


@pytest.fixture(scope="module")
def folder(live_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written") / "model"
    write_model(live_project, folder)
    return folder


def columns(*rows: dict[str, Any]) -> dict[str, list[object]]:
    return {name: [row.get(name) for row in rows] for name in ROWS[0]}


def test_it_answers_as_the_server_does(folder: Path, live_project: Project) -> None:
    with serving(live_project) as server:
        expected = answers_of(server)
    model = StandaloneModel(folder)
    assert model.answer(columns(*ROWS)) == expected
    assert [model.answer(columns(row))[0] for row in ROWS] == expected
    least = {name: values for name, values in columns(ROWS[2]).items() if name not in {"weight", "express", "customer"}}
    assert model.answer({**least, "colour": ["red"]}) == expected[2:], "what may be missing is left out; others ignored"
    assert model.answer({**columns(ROWS[2]), "weight": [math.nan]}) == expected[2:], "NaN is a missing number"
    assert model.answer({}) == model.answer({"depot": []}) == []


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"asked_at": "yesterday"}, "'yesterday' is not a datetime"),
        ({"depot": None}, "depot: is missing"),
        ({"items": 3.5}, "3.5 is not an integer"),
        ({"distance": "far"}, "distance"),
        ({"distance": math.inf}, "distance"),
    ],
)
def test_a_bad_row_refuses_all(folder: Path, change: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        StandaloneModel(folder).answer(columns(ROWS[0], {**ROWS[0], **change}))
    assert text in str(caught.value)
    assert "rows" in (caught.value.where or "")
    assert caught.value.hint


def test_a_field_that_must_be_there(folder: Path) -> None:
    with pytest.raises(InvalidInput, match="depot"):
        StandaloneModel(folder).answer({"asked_at": ["2024-03-25T09:30:00Z"]})


@pytest.mark.parametrize("damage", ["no facts", "no description", "newer", "another model"])
def test_a_damaged_folder(folder: Path, tmp_path: Path, damage: str) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "model"))
    about = copy / "standalone.json"
    if damage == "no facts":
        (copy / "facts" / "traffic.parquet").write_bytes(b"")
    elif damage == "no description":
        about.unlink()
    elif damage == "newer":
        about.write_text(about.read_text().replace('"format": 1', '"format": 2'))
    else:
        (copy / "model.txt").write_bytes((copy / "model.txt").read_bytes() + b"\n")
    with pytest.raises(EnvironmentFault) as caught:
        StandaloneModel(copy)
    assert caught.value.hint
    assert str(copy) in (caught.value.where or "")


def test_it_needs_little(folder: Path) -> None:
    """What it imports is named in the README of each export, and in ANSWERING of the Makefile."""
    program = (
        "import sys; from pathlib import Path; from mlops_lab.inference.standalone import StandaloneModel\n"
        f"StandaloneModel(Path({str(folder)!r}))\n"
        "print(*{'deltalake', 'pandas', 'mlflow', 'sklearn', 'scipy', 'sqlalchemy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not done.stdout.split()


def test_the_facts_are_those_of_its_views_alone(folder: Path) -> None:
    assert {path.stem for path in (folder / "facts").iterdir()} == {"parcels", "traffic", "depots"}
    assert "late" not in pl.read_parquet(folder / "facts" / "traffic.parquet").columns
