"""The wheel of the installed package: whole, the same each time, and without anything of this machine."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import mlops_lab
from mlops_lab.training.own_wheel import pack_wheel

PACKAGE = Path(mlops_lab.__file__).parent


def test_it_holds_the_package_and_what_pip_needs() -> None:
    name, content = pack_wheel(distribution("mlops-lab"))
    with zipfile.ZipFile(io.BytesIO(content)) as wheel:
        files = {path: wheel.read(path) for path in wheel.namelist()}
    assert name.endswith("-py3-none-any.whl")
    sources = {f"mlops_lab/{path.relative_to(PACKAGE).as_posix()}" for path in PACKAGE.rglob("*.py")}
    assert sources <= files.keys()
    assert {
        "mlops_lab/py.typed",
        "mlops_lab/replay/report.html",
        "mlops_lab/examples/flights/mlops.toml",
    } <= files.keys()
    assert not [path for path in files if path.endswith(".so") or "__pycache__" in path or ".mlops/" in path]
    (info,) = {path.split("/")[0] for path in files if not path.startswith("mlops_lab/")}
    recorded = list(csv.reader(files[f"{info}/RECORD"].decode().splitlines()))
    assert {row[0] for row in recorded} == files.keys()
    for path, digest, _ in recorded[:-1]:
        found = base64.urlsafe_b64encode(hashlib.sha256(files[path]).digest()).decode().rstrip("=")
        assert digest == f"sha256={found}"
    assert b"mlops = mlops_lab.cli:main" in files[f"{info}/entry_points.txt"]


def test_the_same_package_makes_the_same_bytes() -> None:
    assert pack_wheel(distribution("mlops-lab")) == pack_wheel(distribution("mlops-lab"))
