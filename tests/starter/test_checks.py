"""The checks that users' projects import: what they find in a good and in a damaged project."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from mlops_lab.errors import InvalidInput
from mlops_lab.starter.checks import count_valid_rows, find_pipeline_problems


@pytest.fixture
def folder(tiny: Any, tmp_path: Path) -> Path:
    """A copy of the small project."""
    ignored = shutil.ignore_patterns(".mlops", "package")
    return Path(shutil.copytree(tiny.project.root, tmp_path / "tiny", ignore=ignored))


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_a_good_project_has_no_problems(folder: Path) -> None:
    assert find_pipeline_problems(folder) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('inputs=["shop"', 'inputs=["colour", "shop"', 'the input "colour" is no field'),
        ('inputs=["shop"', 'inputs=["late", "shop"', 'the label "late" is an input'),
        ('/ pl.col("items")', '/ pl.col("pieces")', 'derived features use "pieces"'),
    ],
)
def test_each_problem_of_a_pipeline_is_named(folder: Path, old: str, new: str, problem: str) -> None:
    edit(folder / "pipeline.py", old, new)
    assert any(problem in found for found in find_pipeline_problems(folder))


def test_rows_are_counted_in_a_lake_of_their_own(folder: Path, tmp_path: Path) -> None:
    assert count_valid_rows(folder, lake_folder=tmp_path / "lake") == 2000
    assert not (folder / ".mlops/lake").exists()


def test_too_many_rows_that_break_the_contract_are_an_error(folder: Path, tmp_path: Path) -> None:
    edit(folder / "mlops.toml", 'amount = "float?"', 'amount = "float"')
    with pytest.raises(InvalidInput, match="amount"):
        count_valid_rows(folder, lake_folder=tmp_path / "lake")
