"""`mlops env` and `mlops image`: what is written answers with the same numbers as the project itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from certificates import certify
from environments import put_uv
from running import Talk, mlops, serving
from s3_server import S3Server

from mlops_lab.project import Project, load_project
from mlops_lab.registry.signing.keyring import keys_path
from mlops_lab.serving.process.address import find_server
from mlops_lab.training.environment import environment_fingerprint

REQUEST = {"id": "one", "asked_at": "2024-03-25T09:30:00Z", "depot": "b", "items": 3, "distance": 12.25}


@contextmanager
def serving_frozen(frozen: Path, data: Path, **variables: str) -> Iterator[Project]:
    """The server of an image, as its Dockerfile starts it, but on the loopback interface and a free port."""
    command = [sys.executable, "-m", "mlops_lab.serving", str(data), "--frozen", str(frozen), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **variables})
    try:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["ready"]
        yield load_project(data)
        process.terminate()
        assert process.wait(30) in {0, -signal.SIGTERM}  # the first process of a container ends with 0
    finally:
        process.kill()
        process.wait()


def talk_to(project: Project) -> Talk:
    address = json.loads((project.home / "server.json").read_text())
    return Talk(project, address["host"], address["port"])


def written(folder: Path) -> set[tuple[str, int]]:
    """Every file below a folder, with the time of its last change."""
    return {(str(path), path.stat().st_mtime_ns) for path in folder.rglob("*")}


def test_the_environment_of_a_version_is_this_one(copy_project: Callable[..., Project], tmp_path: Path) -> None:
    project = copy_project()
    made = mlops("env", "compare", "1", project=project.root).data
    assert made == {
        "version": 1,
        "same": True,
        "fingerprint": environment_fingerprint(),
        "fingerprint_here": environment_fingerprint(),
        "differences": [],
    }
    folder = tmp_path / "environment"
    words = ["env", "export", "1", "--to", "pip", "--no-hashes", "--dir", folder]
    exported = mlops(*words, project=project.root).data
    assert exported["fingerprint"] == environment_fingerprint()
    lines = (folder / "requirements.txt").read_text().splitlines()
    assert len(lines) == exported["packages"]
    assert mlops(*words, project=project.root, code=2).error["code"] == "folder_taken"
    assert mlops("env", "export", "9", "--to", "pip", project=project.root, code=2).error["code"] == "unknown_version"


def test_another_environment_is_named(copy_project: Callable[..., Project]) -> None:
    project = copy_project()
    keys_path(project.home).unlink()  # a project that does not sign: a changed record is read
    (file,) = project.home.rglob("environment.json")
    recorded = json.loads(file.read_text())
    (polars,) = [package for package in recorded["packages"] if package["name"] == "polars"]
    present, polars["version"] = polars["version"], "1.0.0"
    file.write_text(json.dumps({**recorded, "python": "3.10.1"}))
    ran = mlops("env", "compare", "1", project=project.root, code=1)
    made = json.loads(ran.out.splitlines()[0])
    assert not made["same"]
    assert [(one["kind"], one["name"], one["then"]) for one in made["differences"]] == [
        ("python", "Python", "CPython 3.10.1"),
        ("package", "polars", "1.0.0"),
    ]
    assert made["differences"][1]["now"] == present


@pytest.fixture
def image(
    copy_project: Callable[..., Project], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], tuple[Project, Path, dict[str, Any]]]:
    """Writes the folder of an image; the project, the folder, what the command printed."""

    def write(purpose: str) -> tuple[Project, Path, dict[str, Any]]:
        project, folder = copy_project(), tmp_path / "image"
        put_uv(tmp_path / "programs", monkeypatch)
        words: Sequence[object] = ["image", "build", "1", "--for", purpose, "--no-build", folder]
        return project, folder, mlops(*words, project=project.root, env={**os.environ}).data

    return write


def health(dockerfile: Path, data: Path) -> tuple[int, str]:
    """What the health check of the image says: its exit code, and its text."""
    (line,) = [line for line in dockerfile.read_text().splitlines() if line.startswith("    CMD [")]
    python, *words = json.loads(line.removeprefix("    CMD "))
    assert python == "python"
    command = [sys.executable, *(str(data) if word == "/data" else word for word in words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_health_check_of_an_image_asks_where_it_listens_with_a_certificate_too(
    image: Callable[[str], tuple[Project, Path, dict[str, Any]]], tmp_path: Path
) -> None:
    _, folder, _ = image("serving")
    frozen, data, dockerfile = folder / "app" / "project", tmp_path / "data", folder / "Dockerfile"
    with serving_frozen(frozen, data):
        assert health(dockerfile, data)[0] == 0
    assert health(dockerfile, data) == (1, "no server is running\n")
    certify(data)  # as somebody mounts it
    names = {"MLOPS_SERVING__TLS_CERTIFICATE": str(data / "tls.crt"), "MLOPS_SERVING__TLS_KEY": str(data / "tls.key")}
    with serving_frozen(frozen, data, **names) as copy:
        address = find_server(copy)
        assert address is not None
        assert address.url.startswith("https://")
        assert health(dockerfile, data)[0] == 0
    (data / "mlops.toml").unlink()
    code, told = health(dockerfile, data)
    assert (code, "Traceback" in told) == (1, False)


def test_a_serving_image_answers_like_the_project(
    image: Callable[[str], tuple[Project, Path, dict[str, Any]]], tmp_path: Path
) -> None:
    project, folder, made = image("serving")
    assert made["tag"] == "parcels-serving:1"
    assert made["builder"] is None
    frozen = folder / "app" / "project"
    assert not (frozen / ".mlops" / "lake").exists(), "a server reads no tables"
    with serving(project) as server:
        expected = server.talk().predict(REQUEST)
    before = written(frozen)
    with serving_frozen(frozen, tmp_path / "data") as copy:
        assert talk_to(copy).predict(REQUEST)["output"] == expected["output"]
        assert talk_to(copy).predict(REQUEST)["output"] == expected["output"], "the same id gets the same answer"
    with serving_frozen(frozen, tmp_path / "data") as copy:  # a container that is started again has its journal
        assert talk_to(copy).status["pending"] == 1
    assert written(frozen) == before, "the files of an image cannot be written"
    with (frozen / ".mlops/package/profile.json").open("a") as file:
        file.write(" ")
    command = [sys.executable, "-m", "mlops_lab.serving", str(tmp_path / "new"), "--frozen", str(frozen), "--port", "0"]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 3, "its package is signed, and what was changed is refused"
    assert "is not what was signed" in refused.stderr


def test_a_batch_image_scores_like_the_project(
    image: Callable[[str], tuple[Project, Path, dict[str, Any]]], tmp_path: Path
) -> None:
    project, folder, _ = image("batch")
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps(REQUEST) + "\n")
    here = mlops("score", rows, project=project.root).data
    frozen = folder / "app" / "project"
    before = written(frozen)
    assert mlops("score", rows, project=frozen).data == here
    assert written(frozen) == before, "the files of an image cannot be written"
    assert here["answers"][0]["output"] > 0


def test_the_tables_of_a_store_are_in_the_image(
    copy_project: Callable[..., Project], s3: S3Server, stored_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, folder, rows = copy_project(), tmp_path / "image", tmp_path / "rows.jsonl"
    put_uv(tmp_path / "programs", monkeypatch)
    config = project.root / "mlops.toml"
    config.write_text(f'{config.read_text()}\n[lake]\nuri = "{stored_uri}"\n')
    rows.write_text(json.dumps(REQUEST) + "\n")
    here = mlops("score", rows, project=project.root).data
    mlops("image", "build", "1", "--for", "batch", "--no-build", folder, project=project.root)
    s3.fail("503")
    assert mlops("score", rows, project=folder / "app" / "project").data == here


def test_a_training_image_has_the_code_of_the_version(
    image: Callable[[str], tuple[Project, Path, dict[str, Any]]],
) -> None:
    project, folder, made = image("training")
    assert (folder / "app/project/pipeline.py").read_bytes() == project.pipeline_path.read_bytes()
    locked = (folder / "requirements.txt").read_text().splitlines()
    assert len(locked) + 1 == made["packages"], "and mlops-lab"
    assert "USER 10001" in (folder / "Dockerfile").read_text()
