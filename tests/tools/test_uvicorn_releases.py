"""A real server with each release of uvicorn that pyproject.toml allows: it answers, and on the fast path. With others,
where the fast path is off, it answers too.

Needs a package index. When a new release is out, add it to `ALLOWED` and raise the upper bound in pyproject.toml; where
the test then fails, adapt `serving/http/uvicorn_protocol.py` first.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from raw import HEALTH, PREDICT, http, raw
from running import mlops, serving
from synthetic import make_world, write_project

from mlops_lab.project import Project, load_project

pytestmark = [pytest.mark.tools, pytest.mark.timeout(300)]
ALLOWED = [
    *("0.45.0", "0.46.0", "0.47.0", "0.48.0", "0.49.0", "0.50.0", "0.50.1", "0.50.2", "0.51.0"),
    *("0.52.0", "0.52.1", "0.52.2", "0.52.3", "0.52.4", "0.53.0", "0.54.0"),
]
"""All releases within the bounds of pyproject.toml."""
WITHOUT_FAST_PATH = ["0.40.0", "0.42.0", "0.44.0"]
"""Some releases outside of them: before 0.45, uvicorn starts the task of a request elsewhere."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("served") / "parcels"
    write_project(folder, make_world())
    mlops("run", project=folder)
    return load_project(folder)


@pytest.fixture
def installed(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A release of uvicorn, found by processes that start from now on before the one of this environment."""
    version: str = request.param
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--target"]
    done = subprocess.run([*command, str(tmp_path), f"uvicorn=={version}"], capture_output=True, text=True, check=False)
    if done.returncode:
        assert not os.environ.get("CI"), done.stderr
        pytest.skip(f"cannot install uvicorn {version}: {done.stderr.strip()[-200:]}")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    found = subprocess.run(
        [sys.executable, "-c", "import uvicorn; print(uvicorn.__version__)"], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == version
    return version


def ask_everything(project: Project) -> list[str]:
    """Ask a server of the project, which must answer; what it logged."""
    log = project.home / "server.log"
    log.unlink(missing_ok=True)
    with serving(project) as server, raw(server.process.address) as connection:
        assert connection.ask(HEALTH).status == 200
        response = connection.ask(PREDICT)
        assert response.status == 200
        assert 0 < json.loads(response.body)["output"] < 1
        assert connection.ask(http("POST", "/v1/predict", b"{")).code == "invalid_json"
        connection.answers.clear()
        connection.send(PREDICT * 3 + HEALTH + PREDICT)
        assert [item.status for item in connection.read(5)] == [200] * 5
        assert connection.ask(http("GET", "/v1/status")).json["workers"] == 1
    return [json.loads(line)["what"] for line in log.read_text().splitlines()]


@pytest.mark.parametrize("installed", ALLOWED, indirect=True)
def test_an_allowed_release_serves_the_fast_path(installed: str, project: Project) -> None:
    assert ask_everything(project) == [], f"uvicorn {installed}: the server answers, but logs something"


@pytest.mark.parametrize("installed", WITHOUT_FAST_PATH, indirect=True)
def test_another_release_serves_without_the_fast_path(installed: str, project: Project) -> None:
    (warning,) = ask_everything(project)
    assert warning.startswith("the fast path is off")
    assert f"uvicorn {installed} " in warning
