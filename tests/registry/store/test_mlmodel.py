"""The files of a package: MLmodel names the signature and the flavors of the engine."""

import importlib.metadata

import polars as pl
import pytest
import yaml

from mlops_lab.registry.engine_kinds import ENGINES, model_file
from mlops_lab.registry.store.mlmodel import make_signature, write_package
from mlops_lab.registry.store.records import VersionContent

INPUTS = pl.DataFrame({"price": [1.5], "rooms": [2], "new": [True], "place": ["a"]})
FLAVORS = {
    "forest": {"lightgbm": {"data": "model.txt", "model_class": "lightgbm.basic.Booster", "code": None}},
    "lightgbm": {"lightgbm": {"data": "model.txt", "model_class": "lightgbm.basic.Booster", "code": None}},
    "onnx": {
        "onnx": {
            "data": "model.onnx",
            "onnx_version": importlib.metadata.version("onnx"),
            "providers": ["CPUExecutionProvider"],
            "code": None,
        }
    },
}


def test_a_signature_has_text_booleans_and_doubles_which_may_all_be_missing():
    signature = make_signature(INPUTS, [])
    assert [(column.name, column.type.name) for column in signature.inputs] == [
        ("price", "double"),
        ("rooms", "double"),
        ("new", "boolean"),
        ("place", "string"),
    ]
    assert not any(column.required for column in signature.inputs)
    assert [column.name for column in signature.outputs] == ["output"]
    assert [column.name for column in make_signature(INPUTS, ["a", "b"]).outputs] == ["a", "b"]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_package_has_its_files_and_the_flavors_of_its_engine(tmp_path, engine):
    content = VersionContent(
        engine=engine, model=b"the model", plan=b"{}", agreement=b"[1]", classes=[], profile=b"[2]", lineage=b"[3]",
        inputs=INPUTS, requirements=["polars==1", "numpy==2"], parameters={}, tags={},
        code={"pipeline.py": b"p", "shared/a.py": b"a"}, environment=b"[4]",
    )  # fmt: skip
    write_package(tmp_path / "model", content, run_id="abc")
    root = tmp_path / "model"
    files = {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    description = yaml.safe_load(files.pop("MLmodel"))
    assert files == {
        model_file(engine): b"the model",
        "plan.json": b"{}",
        "agreement.json": b"[1]",
        "profile.json": b"[2]",
        "lineage.json": b"[3]",
        "requirements.txt": b"polars==1\nnumpy==2",
        "environment.json": b"[4]",
        "code/pipeline.py": b"p",
        "code/shared/a.py": b"a",
    }
    flavors = description["flavors"]
    assert flavors.pop("python_function")["loader_module"] == "mlops_lab.registry.pyfunc"
    assert flavors == FLAVORS.get(engine, {})
    assert description["run_id"] == "abc"
