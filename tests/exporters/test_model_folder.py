"""A version as an MLflow model that answers requests: what is written, and what cannot be."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
import yaml

from mlops_lab.contracts.fields import Field
from mlops_lab.errors import InvalidInput
from mlops_lab.exporters import model_folder
from mlops_lab.exporters.model_folder import write_model
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.registry.engine_kinds import ENGINES
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.versions import find_champion, open_package_of


def test_what_mlflow_is_told(live_project: Project, tmp_path: Path) -> None:
    written = write_model(live_project, tmp_path / "model")
    assert written.version == 1
    assert "version 1" in written.line
    told = yaml.safe_load((tmp_path / "model" / "MLmodel").read_text())
    types = {column["name"]: (column["type"], column["required"]) for column in json.loads(told["signature"]["inputs"])}
    assert types["items"] == ("long", True)
    assert types["asked_at"] == ("string", True)
    assert types["express"] == ("boolean", False)
    live = find_champion(read_decisions(Lake(live_project.lake_path)))
    assert told["metadata"] == {"project": "parcels", "version": 1, "fingerprint": live.fingerprint}
    facts = {name: pl.read_parquet(tmp_path / f"model/facts/{name}.parquet").height for name in written.facts}
    assert facts == written.facts


def test_an_integer_that_may_be_missing_is_a_float_in_pandas() -> None:
    kinds = [model_folder._kind_of(Field("items", "integer", nullable=nullable)) for nullable in (False, True)]
    assert kinds == ["long", "double"]


def test_a_runner_is_no_model_for_others(
    live_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = open_package_of(live_project, find_champion(read_decisions(Lake(live_project.lake_path))))
    kind = ENGINES[package.plan.engine]
    monkeypatch.setitem(ENGINES, kind.name, replace(kind, needs_runner=True))
    with pytest.raises(InvalidInput) as caught:
        write_model(live_project, tmp_path / "model")
    assert caught.value.code == "needs_runner"
    assert "mlops serve" in (caught.value.hint or "")
    assert not (tmp_path / "model").exists()
