"""What is not imported costs nothing: `mlops --help` and the server stay light."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from own_stores import own_registry
from running import MLOPS, Talk

from mlops_lab.project import Project
from mlops_lab.registry.engines.forest import has_kernel

FAMILIES = {"numpy", "pandas", "polars", "sklearn", "scipy", "mlflow", "lightgbm", "deltalake", "pyarrow", "starlette"}


def imported(report: str) -> set[str]:
    """The top-level modules in what `-X importtime` wrote."""
    return {match[1] for match in re.finditer(r"\|\s+([A-Za-z_]\w*)(?:\.[\w.]+)?$", report, re.MULTILINE)}


@pytest.mark.parametrize("words", [["--help"], []])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    command = [MLOPS[0], "-X", "importtime", *MLOPS[1:], *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    modules = imported(done.stderr)
    assert "typer" in modules, "the report is read rightly"
    assert not modules & {*FAMILIES, "msgspec", "uvicorn", "asyncio"}
    for command_name in (
        "demo",
        "run",
        "up",
        "serve",
        "score",
        "outcomes",
        "tick",
        "status",
        "history",
        "rollback",
        "explain",
    ):
        assert f" {command_name} " in done.stdout


READS_RUNS = pytest.param(["readiness"], marks=own_registry)  # a tracking server is asked by MLflow's client


@pytest.mark.parametrize("words", [["history"], ["status"], ["rollback"], READS_RUNS, ["doctor"]])
def test_a_command_that_trains_nothing_loads_no_trainer(project: Project, words: list[str]) -> None:
    command = [MLOPS[0], "-X", "importtime", *MLOPS[1:], *words, "--project", str(project.root)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    modules = imported(done.stderr)
    assert "polars" in modules
    assert not modules & {"pandas", "sklearn", "mlflow", "lightgbm"}


def test_the_server_imports_nothing_heavy_and_answers(project: Project, tmp_path: Path) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "mlops_lab.serving", str(project.root), "--port", "0"]
    with (tmp_path / "report").open("w") as report:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=report, text=True, env={**os.environ, "POLARS_MAX_THREADS": "1"}
        )
    try:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        host, port = ready["ready"].removeprefix("http://").split(":")
        talk = Talk(project, host, int(port))
        request = {"asked_at": "2024-03-25T09:30:00Z", "depot": "b", "items": 3, "distance": 12.25}
        answer = talk.predict({"id": "one", **request})
        assert 0 < answer["output"] < 1
        outcome = {"id": "one", "known_at": "2024-03-25T12:00:00Z", "late": True, "delay": None}
        assert talk.tell([outcome])["counts"]["accepted"] == 1
        assert talk.add("depots", [{"depot": "e", "docks": 3}])["accepted"] == 1
        assert talk.post("/v1/predict", {})[0] == 400
        assert talk.post("/invocations", {"inputs": [request]})[1] == {"predictions": [answer["output"]]}
        assert talk.send("GET", "/openapi.json")[0] == 200
        assert all(talk.text(path) for path in ("/docs", "/docs/swagger-ui-bundle.js", "/version"))
        libraries = Path(f"/proc/{process.pid}/maps").read_text() if sys.platform == "linux" else ""
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    modules = imported((tmp_path / "report").read_text())
    assert {"polars", "numpy", "uvicorn", "msgspec"} <= modules
    assert not modules & {
        "pandas",
        "sklearn",
        "scipy",
        "mlflow",
        "lightgbm",
        "deltalake",
        "pyarrow",
        "typer",
        "rich",
        "flask",
    }
    if libraries:
        engine = "libforest" if has_kernel() else "lib_lightgbm"
        assert [name for name in ("libforest", "lib_lightgbm") if name in libraries] == [engine], "nothing else of it"
