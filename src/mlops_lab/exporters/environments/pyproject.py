"""`pyproject.toml` with exactly the packages of an environment, for uv and for Poetry."""

from __future__ import annotations

import json
from pathlib import Path

from mlops_lab.exporters.environments.source import EnvironmentSource
from mlops_lab.lineage.reproduce.environments import OWN_NAME

_PLATFORMS = {"Linux": "linux", "Darwin": "darwin", "Windows": "win32"}


def write_for_uv(folder: Path, source: EnvironmentSource) -> None:
    """Write the files of a project of uv. Its lock is for the platform of the environment."""
    environment = source.environment
    platform = _PLATFORMS.get(environment.system, environment.system.lower())
    marker = f"sys_platform == '{platform}' and platform_machine == '{environment.machine}'"
    lines = ["", "[tool.uv]", "package = false", f"environments = [{_text(marker)}]"]
    if source.own:
        lines += ["", "[tool.uv.sources]", f"{OWN_NAME} = {{ path = {_text(source.own.path)} }}"]
    _write(folder, source, lines)
    (folder / ".python-version").write_text(f"{environment.python}\n", encoding="utf-8")


def write_for_poetry(folder: Path, source: EnvironmentSource) -> None:
    """Write the files of a project of Poetry, whose virtual environment is in the folder, without pip."""
    lines = ["", "[tool.poetry]", "package-mode = false"]
    if source.own:
        lines += ["", "[tool.poetry.dependencies]", f"{OWN_NAME} = {{ path = {_text(source.own.path)} }}"]
    _write(folder, source, lines)
    settings = ["[virtualenvs]", "in-project = true", "", "[virtualenvs.options]", "no-pip = true", ""]
    (folder / "poetry.toml").write_text("\n".join(settings), encoding="utf-8")


def _write(folder: Path, source: EnvironmentSource, tool: list[str]) -> None:
    requirements = [*source.pins, *([OWN_NAME] if source.own else [])]
    lines = [
        "[project]",
        f"name = {_text(f'{source.name}-environment')}",
        'version = "0"',
        f"description = {_text(f'The environment of {source.title}.')}",
        f"requires-python = {_text(f'=={source.environment.python}')}",
        "dependencies = [",
        *(f"  {_text(requirement)}," for requirement in requirements),
        "]",
        *tool,
        "",
    ]
    (folder / "pyproject.toml").write_text("\n".join(lines), encoding="utf-8")


def _text(value: str) -> str:
    """A string of TOML; those of JSON are."""
    return json.dumps(value)
