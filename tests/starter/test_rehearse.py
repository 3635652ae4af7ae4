"""What `mlops run` or a server would refuse is refused before the project is written."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mlops_lab.errors import InvalidInput
from mlops_lab.lake.sources import read_data
from mlops_lab.project import load_project
from mlops_lab.starter import rehearse as module
from mlops_lab.starter.rehearse import rehearse


@pytest.fixture
def folder(tiny: Any, tmp_path: Path) -> Path:
    """A copy of the small project, without state."""
    ignored = shutil.ignore_patterns(".mlops", "package")
    return Path(shutil.copytree(tiny.project.root, tmp_path / "tiny", ignore=ignored))


def rehearsed(folder: Path, **changes: Any) -> None:
    source = load_project(folder).settings.source
    frame = read_data(source.data, root=folder)
    example = {name: value for name, value in frame.row(0, named=True).items() if name in source.request}
    rehearse(folder, frame, example={**example, **changes}, data=source.data)


@pytest.mark.parametrize("most", [100_000, 500])
def test_a_project_that_runs_is_left_as_it_was(folder: Path, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOADED_ROWS", most)
    monkeypatch.setattr(module, "_SAMPLED_ROWS", 400)
    before = sorted(path.name for path in folder.iterdir())
    rehearsed(folder)
    assert sorted(path.name for path in folder.iterdir() if path.name != "__pycache__") == [
        name for name in before if name != "__pycache__"
    ]


def test_what_run_would_refuse_is_an_error_that_names_the_flag(folder: Path) -> None:
    settings = folder / "mlops.toml"
    text = settings.read_text()
    assert 'amount = "float?"' in text
    settings.write_text(text.replace('amount = "float?"', 'amount = "float"'))
    with pytest.raises(InvalidInput, match="would refuse the project") as caught:
        rehearsed(folder)
    assert "amount" in f"{caught.value.where} {caught.value.what} {caught.value.hint}"
    assert "nothing was written" in str(caught.value.hint)
    assert not (folder / ".mlops").exists()


def test_a_request_that_a_server_would_refuse_is_an_error(folder: Path) -> None:
    with pytest.raises(InvalidInput, match="no request"):
        rehearsed(folder, items="many")


def test_too_few_rows_are_an_error_that_says_how_many_are_needed(folder: Path) -> None:
    data = folder / load_project(folder).settings.source.data
    frame = read_data(data)
    few = frame.head(60)
    write = few.write_parquet if data.suffix == ".parquet" else few.write_csv
    write(data)
    with pytest.raises(InvalidInput, match="labelled rows") as caught:
        rehearsed(folder)
    assert "at least 100" in str(caught.value.hint)
    assert isinstance(frame, pl.DataFrame)
