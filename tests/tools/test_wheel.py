"""The wheel, installed as users install it: in a fresh environment, with what it asks for and nothing else.

MLOPS_LAB_WHEEL names a wheel that is already built, such as one of `make dist`.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from running import until

ROOT = Path(__file__).parents[2]
KERNEL = "mlops_lab/registry/engines/libforest.so"

pytestmark = [pytest.mark.tools, pytest.mark.timeout(1200)]


def build(folder: Path, **environment: str) -> Path:
    """The wheel of this folder."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env=os.environ | environment)
    (wheel,) = folder.glob("*.whl")
    return wheel


def read_metadata(wheel: Path) -> tuple[set[str], str]:
    """The names of its files, and its metadata."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        return set(names), archive.read(metadata).decode()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if given := os.environ.get("MLOPS_LAB_WHEEL"):
        return Path(given)
    return build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs of a fresh environment with the wheel."""
    folder = tmp_path_factory.mktemp("fresh")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    subprocess.run([folder / "bin/python", "-m", "pip", "install", "--quiet", str(wheel)], check=True)
    return folder / "bin"


def test_its_tag_and_its_types_are_true(wheel: Path) -> None:
    names, metadata = read_metadata(wheel)
    assert ("-any.whl" in wheel.name) is (KERNEL not in names), "only a wheel of Python alone is for any machine"
    assert "Typing :: Typed" in metadata
    assert "mlops_lab/py.typed" in names


def test_without_a_compiler_it_is_of_python_alone(tmp_path: Path) -> None:
    wheel = build(tmp_path, CC="no-such-compiler", REPOSITORY_URL="https://example.org/lab")
    names, metadata = read_metadata(wheel)
    assert wheel.name.endswith("-py3-none-any.whl")
    assert KERNEL not in names
    assert "Project-URL: Repository, https://example.org/lab\n" in metadata


@pytest.fixture
def project(programs: Path, tmp_path: Path) -> Path:
    """A project that has run: its first version is live."""
    draw = random.Random(1)
    rows = ["id,amount,region,late"]
    for number in range(3000):
        amount, region = draw.uniform(0, 100), draw.choice("abc")
        rows.append(f"{number},{amount:.2f},{region},{int(draw.random() < (0.8 if amount > 50 else 0.2))}")
    (tmp_path / "orders.csv").write_text("\n".join(rows) + "\n")
    run(programs, "init", "shop", "--data", "orders.csv", "--target", "late", "--yes", cwd=tmp_path)
    run(programs, "run", cwd=tmp_path / "shop")
    return tmp_path / "shop"


def run(programs: Path, *arguments: str, cwd: Path) -> str:
    done = subprocess.run([programs / "mlops", *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def server(programs: Path, project: Path) -> Iterator[str]:
    """The address of its running server."""
    process = subprocess.Popen([programs / "mlops", "serve", "--port", "0"], cwd=project)
    described = project / ".mlops" / "server.json"
    try:
        until(described.is_file)
        yield f"http://127.0.0.1:{json.loads(described.read_text())['port']}"
    finally:
        process.terminate()
        process.wait(30)


def test_its_first_commands_work(programs: Path, project: Path, server: str) -> None:
    request = Request(f"{server}/v1/predict", json.dumps({"amount": 80.0, "region": "b"}).encode())
    with urlopen(request) as response:
        answer = json.load(response)
    assert 0.5 < answer["output"] < 1
    run(programs, "tick", cwd=project)
    assert json.loads(run(programs, "status", "--json", cwd=project))["champion"]
    refused = subprocess.run([programs / "mlops", "demo"], cwd=project.parent, capture_output=True, text=True)
    assert refused.returncode == 3
    assert "pip install 'mlops-lab[flights]'" in refused.stderr
