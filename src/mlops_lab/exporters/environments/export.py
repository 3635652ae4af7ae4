"""`mlops env export`: the environment of a version, or the present one, in the format of a tool."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mlops_lab.exporters.environments.conda import write_for_conda
from mlops_lab.exporters.environments.containers import write_for_devcontainer, write_for_docker
from mlops_lab.exporters.environments.dockerfile import OWN_REQUIREMENT
from mlops_lab.exporters.environments.lock import lock_all
from mlops_lab.exporters.environments.pyproject import write_for_poetry, write_for_uv
from mlops_lab.exporters.environments.source import EnvironmentSource, Wheel
from mlops_lab.exporters.folder import fill_new_folder

REQUIREMENTS = "requirements.txt"


Tool = Literal["pip", "uv", "poetry", "conda", "docker", "devcontainer"]


@dataclass(frozen=True, kw_only=True)
class EnvironmentFormat:
    """How a tool gets the environment. `steps`: the commands that install it, in the folder; `{python}` is the version
    of Python, `{name}` that of the project. `needs_requirements`: whether requirements.txt is written beside the files
    that `write` writes."""

    steps: tuple[str, ...]
    write: Callable[[Path, EnvironmentSource], None] = lambda _folder, _source: None
    needs_requirements: bool = True
    is_image: bool = False
    folder: str = ""
    """Where it is written, if not told; empty: `environment-FORMAT`."""


_PIP_PYTHON = "python -m pip --python .venv/bin/python install --no-deps -r requirements.txt"
FORMATS: dict[Tool, EnvironmentFormat] = {
    "pip": EnvironmentFormat(steps=("python{minor} -m venv --without-pip .venv", _PIP_PYTHON)),
    "uv": EnvironmentFormat(steps=("uv sync",), write=write_for_uv, needs_requirements=False),
    "poetry": EnvironmentFormat(
        steps=("poetry lock", "poetry install"), write=write_for_poetry, needs_requirements=False
    ),
    "conda": EnvironmentFormat(steps=("conda env create --file environment.yml",), write=write_for_conda),
    "docker": EnvironmentFormat(
        steps=("docker build --tag {name} .", 'docker run --rm --volume "$PWD:/project" {name} --version'),
        write=write_for_docker,
        is_image=True,
    ),
    "devcontainer": EnvironmentFormat(
        steps=("open the project in an editor that knows dev containers",),
        write=write_for_devcontainer,
        is_image=True,
        folder=".devcontainer",
    ),
}


def export_environment(source: EnvironmentSource, tool: Tool, folder: Path, *, with_hashes: bool) -> list[str]:
    """Write the environment for a tool into a new or empty folder; the commands that install it there.

    InvalidInput where the folder is taken; EnvironmentFault where no lock with hashes can be made.
    """
    wanted = FORMATS[tool]
    with fill_new_folder(folder) as draft:
        if wanted.needs_requirements:
            text = lock_all(source) if with_hashes else "\n".join([*source.pins, ""])
            write_requirements(draft, text, source.own, apart=wanted.is_image)
        wanted.write(draft, source)
        if source.own:
            source.own.write(draft)
    minor = ".".join(source.environment.python.split(".")[:2])
    return [step.format(minor=minor, name=source.name) for step in wanted.steps]


def write_requirements(folder: Path, text: str, own: Wheel | None, *, apart: bool) -> None:
    """Write requirements.txt. The wheel of this package is named in it, or `apart`: an image installs it later, for it
    changes more often than the others."""
    line = f"{own.line}\n" if own else ""
    (folder / REQUIREMENTS).write_text(text if apart else text + line, encoding="utf-8")
    if apart and own:
        (folder / OWN_REQUIREMENT).write_text(line, encoding="utf-8")
