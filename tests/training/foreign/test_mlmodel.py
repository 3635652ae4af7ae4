"""Which files of an MLflow model are read, and which are refused."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlops_lab.errors import InvalidInput
from mlops_lab.training.foreign.mlmodel import read_foreign

TEXT = """
flavors:
  python_function: {loader_module: mlflow.lightgbm}
  lightgbm: {data: model.lgb, serialization_format: cloudpickle}
signature:
  inputs: '[{"type": "double", "name": "a"}, {"type": "double", "name": "b"}]'
utc_time_created: '2026-12-01 01:38:54.381492'
"""


def write(folder: Path, described: str, **files: bytes) -> Path:
    (folder / "MLmodel").write_text(described)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_bytes(content)
    return folder


def refuse(folder: Path) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        read_foreign(folder)
    assert caught.value.hint
    return caught.value


def test_a_native_file_with_its_signature(tmp_path: Path) -> None:
    file = read_foreign(write(tmp_path, TEXT, model__lgb=b"tree"))
    assert (file.flavor, file.name, file.content, file.inputs) == ("lightgbm", "model.lgb", b"tree", ("a", "b"))
    assert file.created_at == datetime(2026, 12, 1, 1, 38, 54, 381492, UTC)
    other = read_foreign(write(tmp_path, TEXT.replace("b", "b"), model__lgb=b"tree 2"))
    assert other.fingerprint != file.fingerprint


def test_a_model_that_says_little(tmp_path: Path) -> None:
    file = read_foreign(write(tmp_path, "flavors: {xgboost: {data: model.json}}", model__json=b"{}"))
    assert (file.inputs, file.created_at) == ((), None)


@pytest.mark.parametrize(
    ("flavor", "named", "convert"),
    [
        ("sklearn: {pickled_model: model.pkl}", "model__pkl", "skops"),
        ("sklearn: {pickled_model: model.bin}", "model__bin", "skops"),
        ("sklearn: {pickled_model: model.skops, serialization_format: cloudpickle}", "model__skops", "skops"),
        ("lightgbm: {data: model.pkl}", "model__pkl", "booster_"),
        ("xgboost: {data: model.pkl}", "model__pkl", "json"),
    ],
)
def test_a_pickle_is_refused_with_how_to_convert_it(tmp_path: Path, flavor: str, named: str, convert: str) -> None:
    error = refuse(write(tmp_path, f"flavors: {{{flavor}}}", **{named: pickle.dumps({"a": 1})}))
    assert error.code == "pickle_refused"
    assert convert in str(error.hint)


@pytest.mark.parametrize(
    ("described", "code"),
    [
        ("flavors: {pytorch: {model_data: data}}", "unsupported_flavor"),
        ("flavors: {}", "unsupported_flavor"),
        ("flavors: [lightgbm]", "unsupported_flavor"),
        ("", "no_mlmodel"),
        ("flavors: {lightgbm: {", "damaged_model"),
        ("flavors: {lightgbm: {data: gone.lgb}}", "damaged_model"),
        ("flavors: {lightgbm: {data: ../outside.lgb}}", "damaged_model"),
        ("flavors: {lightgbm: {}}", "damaged_model"),
    ],
)
def test_what_is_no_model(tmp_path: Path, described: str, code: str) -> None:
    (tmp_path / "outside.lgb").write_bytes(b"tree")
    (tmp_path / "model").mkdir()
    assert refuse(write(tmp_path / "model", described)).code == code


def test_an_empty_folder(tmp_path: Path) -> None:
    assert refuse(tmp_path).code == "no_mlmodel"
