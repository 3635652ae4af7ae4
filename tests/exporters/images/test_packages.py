"""The packages of an image."""

from __future__ import annotations

from pathlib import Path

import pytest
from environments import put_uv

from mlops_lab.exporters.environments.source import EnvironmentSource
from mlops_lab.exporters.images.packages import choose_packages
from mlops_lab.training.environment import Environment, InstalledPackage

NAMES = (
    *(
        "backports.zstd",
        "chardet",
        "cryptography",
        "deltalake",
        "flask-swagger-ui",
        "httptools",
        "lightgbm",
        "msgspec",
        "numpy",
    ),
    *("onnxruntime", "pandas", "polars", "redis", "rich", "scikit-learn", "scipy", "skops", "typer", "tzdata"),
    *("uvicorn", "uvloop", "xgboost-cpu"),
)
SOURCE = EnvironmentSource(
    "shop",
    1,
    Environment(
        python="3.11.7",
        system="Linux",
        machine="x86_64",
        packages=tuple(InstalledPackage(name=name, version="1.0") for name in NAMES),
    ),
    None,
)
TRAINERS = {"lightgbm", "scikit-learn", "scipy", "skops", "xgboost-cpu", "pandas"}


@pytest.fixture(autouse=True)
def _uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_uv(tmp_path / "programs", monkeypatch)


def names_in(requirements: str) -> set[str]:
    return {line.partition("==")[0] for line in requirements.splitlines()}


def test_a_graph_needs_onnx_runtime_and_no_trainer() -> None:
    chosen = names_in(choose_packages(SOURCE, "serving", engine="onnx").requirements)
    assert {"uvicorn", "onnxruntime", "polars"} <= chosen
    assert not chosen & {*TRAINERS, "deltalake", "typer", "redis"}


def test_lightgbm_without_the_kernel_needs_its_library_and_openmp() -> None:
    packages = choose_packages(SOURCE, "serving", engine="lightgbm")
    assert names_in(packages.requirements) & TRAINERS == {"lightgbm"}
    assert packages.system == ("libgomp1",)


def test_a_batch_image_reads_files_and_serves_nothing() -> None:
    chosen = names_in(choose_packages(SOURCE, "batch", engine="onnx").requirements)
    assert {"deltalake", "typer"} <= chosen
    assert not chosen & {*TRAINERS, "uvicorn", "flask-swagger-ui"}


@pytest.mark.parametrize(("engine", "library"), [("xgboost", "xgboost-cpu"), ("skops", "skops")])
def test_a_runner_has_the_library_that_reads_its_model(engine: str, library: str) -> None:
    assert library in names_in(choose_packages(SOURCE, "serving", engine=engine).requirements)


def test_a_shared_store_needs_its_client() -> None:
    packages = choose_packages(SOURCE, "serving", engine="onnx", online_store="redis://localhost")
    assert "redis" in names_in(packages.requirements)


def test_training_needs_all() -> None:
    assert names_in(choose_packages(SOURCE, "training", engine="onnx").requirements) == set(NAMES)
