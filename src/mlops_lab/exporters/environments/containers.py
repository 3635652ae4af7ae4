"""The environment as an image: a Dockerfile, alone or for the containers in which editors work."""

from __future__ import annotations

import json
from pathlib import Path

from mlops_lab.exporters.environments.dockerfile import Image, write_dockerfile
from mlops_lab.exporters.environments.source import EnvironmentSource

WORK_FOLDER = "/project"


def write_for_docker(folder: Path, source: EnvironmentSource) -> None:
    """Write a Dockerfile whose image has the environment, and runs `mlops` in the folder that is mounted."""
    _write_dockerfile(folder, source)


def write_for_devcontainer(folder: Path, source: EnvironmentSource) -> None:
    """Write devcontainer.json with its Dockerfile: the folder is the `.devcontainer` of a project."""
    _write_dockerfile(folder, source)
    container = {
        "name": source.title,
        "build": {"dockerfile": "Dockerfile"},
        "updateRemoteUserUID": True,
        "overrideCommand": True,
        "customizations": {"vscode": {"settings": {"python.defaultInterpreterPath": "/opt/venv/bin/python"}}},
    }
    (folder / "devcontainer.json").write_text(json.dumps(container, indent=2) + "\n", encoding="utf-8")


def _write_dockerfile(folder: Path, source: EnvironmentSource) -> None:
    image = Image(
        title=source.title,
        version=str(source.version or ""),
        base=f"python:{source.environment.python}-slim",
        system_packages=("libgomp1",),
        work_folder=WORK_FOLDER,
        entrypoint=("mlops",),
        command=("--help",),
        has_wheel=source.own is not None,
    )
    (folder / "Dockerfile").write_text(write_dockerfile(image), encoding="utf-8")
