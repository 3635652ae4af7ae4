"""Environments installed by the tools that they were written for, and an image built and run: nothing stands for them.

The images need buildah, mmdebstrap and root. They are built on the image that MLOPS_LAB_BASE_IMAGE names, or on one that is
made of Debian's packages and the Python of these tests. What must be told to the programs about the network is told by their
own settings: MLOPS_LAB_BUILD_OPTIONS has more options for the build, such as a volume with a pip.conf, and
MLOPS_LAB_SIMPLE_INDEX an index for Poetry where PyPI's own API is not at hand.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import base_image
import pytest

ROOT = Path(__file__).parents[2]
PEER = ROOT / ".peers" / "environments" / "bin"
PORT = 18_321
REQUEST = {
    "id": "one",
    "ordered_at": "2026-06-29T18:35:00Z",
    "customer": "C-101",
    "city": "Hamburg",
    "carrier": "Paketring",
    "items": 4,
    "weight_kg": 7.6,
    "price": 106.0,
    "express": False,
}
AS_A_CONTAINER = """
mount --bind "$0" "$0" && mount -o remount,bind,ro "$0"
mount --bind "$1" "$0/data" && mount -t tmpfs tmpfs "$0/tmp" && mount -t proc proc "$0/proc" && mount --bind /dev "$0/dev"
shift
exec chroot --userspec=10001:10001 "$0" env -i "$@"
"""
"""What `--read-only --user 10001` of podman does: no file can be written but below /data and /tmp, and it is
process 1."""

pytestmark = [pytest.mark.tools, pytest.mark.timeout(2400)]


def run(*words: object, cwd: Path, **variables: str) -> str:
    path = f"{PEER}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, **variables}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{words}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The program `mlops` of a fresh environment, and a project with version 1, trained there."""
    folder = tmp_path_factory.mktemp("fresh")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (wheel,) = folder.glob("*.whl")
    run("uv", "venv", "--python", sys.executable, folder / "venv", cwd=folder)
    python = folder / "venv/bin/python"
    run("uv", "pip", "install", "--python", python, f"{wheel}[environments]", cwd=folder)
    mlops = folder / "venv/bin/mlops"
    run(mlops, "init", "--sample", "shop", cwd=folder)
    run(mlops, "run", cwd=folder / "shop")
    return mlops, folder / "shop"


@pytest.mark.parametrize("tool", ["pip", "uv", "poetry"])
def test_it_installs_to_the_same_fingerprint(tool: str, project: tuple[Path, Path], tmp_path: Path) -> None:
    mlops, folder = project
    place = tmp_path / tool
    made = json.loads(run(mlops, "env", "export", "1", "--to", tool, "--dir", place, "--json", cwd=folder))
    if tool == "poetry" and (index := os.environ.get("MLOPS_LAB_SIMPLE_INDEX")):
        run("poetry", "source", "add", "--priority=primary", "index", index, cwd=place)
    for step in made["steps"]:
        run("sh", "-c", step, cwd=place)
    compared = json.loads(
        run(place / ".venv/bin/mlops", "env", "compare", "1", "--project", folder, "--json", cwd=place)
    )
    assert compared["fingerprint_here"] == made["fingerprint"]
    assert compared["same"]


@pytest.mark.parametrize("purpose", ["serving", "batch", "training"])
def test_the_dockerfile_is_clean(purpose: str, project: tuple[Path, Path], tmp_path: Path) -> None:
    mlops, folder = project
    run(mlops, "image", "build", "1", "--for", purpose, "--no-build", tmp_path / "image", cwd=folder)
    run("hadolint", tmp_path / "image/Dockerfile", cwd=tmp_path)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image to build on."""
    missing = [program for program in base_image.PROGRAMS if shutil.which(program) is None]
    if missing or os.geteuid():
        pytest.skip(f"needs root, and on Debian: apt-get install buildah mmdebstrap (missing: {', '.join(missing)})")
    return os.environ.get("MLOPS_LAB_BASE_IMAGE") or base_image.make_base_image(tmp_path_factory.mktemp("base"))


@pytest.fixture
def build(base: str, project: tuple[Path, Path], tmp_path: Path) -> Iterator[Any]:
    """Builds an image with `mlops image build`, and mounts it: its folder."""
    mlops, folder = project
    containers: list[str] = []
    isolation = {"BUILDAH_ISOLATION": "chroot"}

    def build(purpose: str) -> Path:
        options = ["--base", base]
        options += [f"--option={word}" for word in shlex.split(os.environ.get("MLOPS_LAB_BUILD_OPTIONS", ""))]
        run(mlops, "image", "build", "1", "--for", purpose, *options, cwd=folder, **isolation)
        containers.append(run("buildah", "from", "--pull-never", f"shop-{purpose}:1", cwd=tmp_path).strip())
        return Path(run("buildah", "mount", containers[-1], cwd=tmp_path).strip())

    yield build
    for container in containers:
        run("buildah", "rm", container, cwd=tmp_path)


def start(root: Path, data: Path, *command: str) -> subprocess.Popen[str]:
    data.mkdir(exist_ok=True)
    os.chown(data, 10001, 10001)
    variables = ["PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin", "HOME=/tmp", "PYTHONDONTWRITEBYTECODE=1"]
    variables += ["MLOPS_SERVING__HOST=0.0.0.0", "MLOPS_SERVING__PREDICT_TOKEN=false"]
    words = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", AS_A_CONTAINER, str(root), str(data)]
    return subprocess.Popen([*words, *variables, *command], stdout=subprocess.PIPE, text=True)


def ask(port: int, *, seconds: float = 60) -> float:
    """The answer to the request, as soon as there is one."""
    end = time.perf_counter() + seconds
    while True:
        try:
            with urlopen(Request(f"http://127.0.0.1:{port}/v1/predict", json.dumps(REQUEST).encode())) as response:
                return float(json.load(response)["output"])
        except URLError:
            if time.perf_counter() > end:
                raise
            time.sleep(0.02)


def folder_bytes(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


def test_a_serving_image_answers_the_same_read_only_and_stops(
    build: Any, project: tuple[Path, Path], tmp_path: Path
) -> None:
    root = build("serving")
    assert folder_bytes(root / "opt") + folder_bytes(root / "app") < 350_000_000
    assert not [path for path in (root / "opt/venv/lib").glob("*/site-packages/*") if path.name in {"sklearn", "scipy"}]
    server = start(
        root,
        tmp_path / "data",
        "python",
        "-m",
        "mlops_lab.serving",
        "/data",
        "--frozen",
        "/app/project",
        f"--port={PORT}",
    )
    try:
        answer = ask(PORT)
        children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGTERM)
        assert server.wait(30) == 0
    finally:
        server.kill()
        server.wait()
    mlops, folder = project
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps(REQUEST) + "\n")
    scored = json.loads(run(mlops, "score", rows, "--json", cwd=folder))
    assert answer == scored["answers"][0]["output"]


def test_a_batch_image_scores_a_file(build: Any, project: tuple[Path, Path], tmp_path: Path) -> None:
    root = build("batch")
    (root / "data").mkdir(exist_ok=True)
    data = tmp_path / "data"
    data.mkdir()
    (data / "rows.jsonl").write_text(json.dumps(REQUEST) + "\n")
    words = ["mlops", "score", "--project", "/app/project", "/data/rows.jsonl", "--out", "/data/out.csv"]
    assert start(root, data, *words).wait(60) == 0
    mlops, folder = project
    run(mlops, "score", data / "rows.jsonl", "--out", tmp_path / "here.csv", cwd=folder)
    assert (data / "out.csv").read_text() == (tmp_path / "here.csv").read_text()
