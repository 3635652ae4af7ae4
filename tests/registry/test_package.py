"""A package: verified before it is used, and nothing in it can run."""

import json
import shutil

import polars as pl
import pytest

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.inference.predictor import Predictor
from mlops_lab.registry.engine_kinds import ENGINES
from mlops_lab.registry.package import PLAN_FILE, Plan, fingerprint_content, load_plan, package_fingerprint, write_plan


@pytest.fixture
def package(tiny, tmp_path):
    """A copy of the small package that may be damaged."""
    return shutil.copytree(tiny.package, tmp_path / "package")


def rewrite(package, **changes: object) -> None:
    plan = json.loads((package / PLAN_FILE).read_bytes())
    (package / PLAN_FILE).write_text(json.dumps(plan | changes))


def test_a_plan_reads_back_as_it_was_written(tiny, package):
    assert load_plan(package) == load_plan(package, fingerprint=tiny.fingerprint) == tiny.plan


def test_the_fingerprint_is_that_of_the_content(tiny, package):
    model, plan = (package / ENGINES["lightgbm"].model_file).read_bytes(), write_plan(tiny.plan)
    assert package_fingerprint(package) == fingerprint_content(model, plan) == tiny.fingerprint
    assert fingerprint_content(model + b"\n", plan) != tiny.fingerprint
    assert fingerprint_content(plan, model) != tiny.fingerprint


def test_the_same_plan_is_written_in_the_same_bytes(tiny):
    turned = Plan(
        request=dict(reversed(tiny.plan.request.items())),
        time=tiny.plan.time,
        tables=dict(reversed(tiny.plan.tables.items())),
        features=dict(reversed(tiny.plan.features.items())),
        categories=dict(reversed(tiny.plan.categories.items())),
        texts=tiny.plan.texts,
        engine=tiny.plan.engine,
    )
    assert write_plan(turned) == write_plan(tiny.plan)


@pytest.mark.parametrize("file", [ENGINES["lightgbm"].model_file, PLAN_FILE])
def test_a_changed_byte_is_refused(tiny, package, file):
    data = bytearray((package / file).read_bytes())
    data[len(data) // 2] ^= 1
    (package / file).write_bytes(data)
    for load in (load_plan, lambda path, fingerprint: Predictor(path, version=1, fingerprint=fingerprint)):
        with pytest.raises(EnvironmentFault) as caught:
            load(package, fingerprint=tiny.fingerprint)
        assert caught.value.code == "package_changed"
        assert "mlops rollback" in caught.value.hint


@pytest.mark.parametrize("file", [ENGINES["lightgbm"].model_file, PLAN_FILE])
def test_a_missing_file_is_named(tiny, package, file):
    (package / file).unlink()
    with pytest.raises(EnvironmentFault) as caught:
        load_plan(package, fingerprint=tiny.fingerprint)
    assert caught.value.code == "package_missing"
    assert file in caught.value.where


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', "null"])
def test_what_is_no_plan_is_refused(package, text):
    (package / PLAN_FILE).write_text(text)
    with pytest.raises(EnvironmentFault) as caught:
        load_plan(package)
    assert caught.value.code == "bad_package"


@pytest.mark.parametrize("changes", [{"format": 3}, {"engine": "pickle"}, {"engine": "python"}])
def test_a_plan_of_another_kind_is_refused(package, changes):
    rewrite(package, **changes)
    with pytest.raises(EnvironmentFault, match="unknown") as caught:
        load_plan(package)
    assert caught.value.code == "bad_package"


def test_a_plan_that_holds_code_is_refused(tiny, package, tmp_path):
    """Even where the fingerprint was made for it: who wrote the package makes no difference."""
    trace = tmp_path / "trace"
    code = pl.col("amount").map_elements(lambda value: trace.touch(), return_dtype=pl.Float64)
    features = dict(tiny.plan.features)
    features["derived"] = features["derived"] | {"per_item": code.meta.serialize(format="json")}
    rewrite(package, features=features)
    with pytest.raises(InvalidInput) as caught:
        Predictor(package, version=1, fingerprint=package_fingerprint(package))
    assert caught.value.code == "code_in_expression"
    assert "per_item" in caught.value.where
    assert not trace.exists()
