from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import polars as pl
import pytest
from running import mlops

from mlops_lab.ci.validate import validate
from mlops_lab.ci.validation import Validation
from mlops_lab.project import load_project
from mlops_lab.training.progress import silent


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def validated(folder: Path, *, live: Path | None = None, accept_suspicion: bool = False) -> Validation:
    """The change, validated; nothing in either folder may be another than before."""
    folders = [folder, live or folder]
    before = [digest(each) for each in folders]
    found = validate(
        load_project(folder), live=load_project(folders[1]), accept_suspicion=accept_suspicion, report=silent
    )
    assert [digest(each) for each in folders] == before
    return found


def digest(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def refused_by(found: Validation) -> list[str]:
    assert found.passed is not any(not check.passed for check in found.checks if check.counts)
    return [check.name for check in found.checks if check.counts and not check.passed]


def reason_of(found: Validation, name: str) -> str:
    return next(check.reason for check in found.checks if check.name == name)


def more_trees(folder: Path) -> None:
    edit(folder / "pipeline.py", "n_estimators=2, learning_rate=0.01", "n_estimators=20, learning_rate=0.1")


def test_a_good_change_passes(folder: Path) -> None:
    more_trees(folder)
    edit(folder / "pipeline.py", '"hour", "per_item",', '"hour",')
    found = validated(folder)
    assert refused_by(found) == []
    assert (found.champion, found.contract) == (1, {})
    assert found.features is not None
    assert found.features.inputs.removed == ["per_item"]
    assert found.trained is not None
    loss = found.trained.measures[0]
    assert loss.name == "log_loss"
    assert loss.candidate is not None
    assert loss.champion is not None
    assert loss.candidate < loss.champion
    assert {group.name for group in found.trained.slices} == {f"depot={name}" for name in "abcd"}
    assert found.trained.cost.package_bytes > 0
    assert found.trained.cost.row_micros
    assert {"data", "features", "training", "gates"} <= found.trained.cost.seconds.keys()


def test_a_change_that_makes_the_same_model_passes(folder: Path) -> None:
    edit(folder / "pipeline.py", "def model():", "def model():\n    # the same\n")
    found = validated(folder)
    assert refused_by(found) == []
    assert {check.name for check in found.checks if not check.passed} == {"same_model", "backtest"}
    assert "not counted" in reason_of(found, "same_model")


def test_a_worse_model_is_refused(folder: Path) -> None:
    edit(folder / "pipeline.py", "learning_rate=0.01", "learning_rate=0.0001")
    found = validated(folder)
    assert "backtest" in refused_by(found)


def test_a_leak_is_refused_until_somebody_made_sure(folder: Path) -> None:
    more_trees(folder)
    data = folder / "data/parcels.parquet"
    pl.read_parquet(data).with_columns(pl.col("late").cast(pl.Int64).alias("status")).write_parquet(data)
    edit(folder / "mlops.toml", 'items = "integer"', 'items = "integer"\nstatus = "integer?"')
    edit(folder / "pipeline.py", '"depot", "items",', '"depot", "items", "status",')
    edit(folder / "pipeline.py", "learning_rate=0.1", "learning_rate=0.9")
    found = validated(folder)
    assert refused_by(found) == ["suspicion"]
    assert "status" in reason_of(found, "suspicion")
    assert found.contract == {"parcels": ["status: added (integer?); backward compatible; forward compatible"]}
    assert refused_by(validated(folder, accept_suspicion=True)) == []


def test_a_column_that_is_gone_from_the_data_is_refused(folder: Path) -> None:
    data = folder / "data/parcels.parquet"
    pl.read_parquet(data).drop("items").write_parquet(data)
    found = validated(folder)
    assert refused_by(found) == ["training"]
    assert "items" in reason_of(found, "training")
    assert found.trained is None


def test_a_column_that_is_gone_from_the_contract_is_refused(folder: Path) -> None:
    edit(folder / "mlops.toml", 'items = "integer"\n', "")
    edit(folder / "pipeline.py", '"depot", "items",', '"depot",')
    edit(folder / "pipeline.py", '        "per_item": pl.col("distance") / pl.col("items"),\n', "")
    edit(folder / "pipeline.py", '"per_item", ', "")
    found = validated(folder)
    assert "contract changes" in refused_by(found)
    assert "items" in reason_of(found, "contract changes")


@pytest.mark.parametrize("kind", ["string", "boolean"])
def test_a_contract_of_another_type_is_refused(folder: Path, kind: str) -> None:
    edit(folder / "mlops.toml", 'items = "integer"', f'items = "{kind}"')
    found = validated(folder)
    assert "contract changes" in refused_by(found)
    assert "items" in reason_of(found, "contract changes")


def test_code_that_fails_is_refused_with_its_line(folder: Path) -> None:
    edit(folder / "pipeline.py", '"depot", "items",', '"depot", "itmes",')
    found = validated(folder)
    assert refused_by(found) == ["training"]
    assert "itmes" in reason_of(found, "training")


def test_code_that_does_not_load_is_refused(folder: Path) -> None:
    (folder / "pipeline.py").write_text("features = 1 / 0\n")
    assert "ZeroDivisionError" in reason_of(validated(folder), "pipeline")


@pytest.mark.slow
def test_a_champion_that_has_seen_all_rows_is_compared_by_its_code(folder: Path) -> None:
    shutil.rmtree(folder / ".mlops")
    mlops("run", "--set", "rollout.prove=better", project=folder)
    edit(folder / "pipeline.py", "learning_rate=0.01", "learning_rate=0.0001")
    found = validated(folder)
    assert found.trained is not None
    assert found.trained.compared_with.startswith("the code of version 1")
    assert "backtest" in refused_by(found)


def test_a_branch_beside_the_folder_that_is_live(folder: Path, tmp_path: Path) -> None:
    branch = tmp_path / "branch"
    shutil.copytree(folder, branch, ignore=shutil.ignore_patterns(".mlops"))
    more_trees(branch)
    alone, beside = validated(branch), validated(branch, live=folder)
    assert (alone.champion, beside.champion) == (None, 1)
    assert alone.passed
    assert beside.passed
    assert beside.trained is not None
    assert beside.trained.measures[0].champion is not None
