"""The Python that a version is trained again with: the present one, or a new environment with the recorded packages."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from mlops_lab.errors import EnvironmentFault
from mlops_lab.lineage.reproduce.task import VENV_FOLDER
from mlops_lab.training.environment import Environment

OWN_NAME = "mlops-lab"
_WITHOUT = "`--same-environment` trains it with what is installed here, and names what differs"


def write_requirements(environment: Environment) -> str:
    """The recorded packages, one a line, for pip and uv; without this package, whose present code does the work."""
    lines = [
        f"{package.name} @ {package.url}" if package.url else f"{package.name}=={package.version}"
        for package in environment.packages
        if package.name != OWN_NAME
    ]
    return "\n".join([*lines, ""])


def make_environment(folder: Path, environment: Environment) -> Path:
    """The Python of a new virtual environment in the folder, with exactly the recorded packages.

    EnvironmentFault where it cannot be made: the recorded Python is not at hand, or a package cannot be installed.
    """
    venv, requirements = folder / VENV_FOLDER, folder / "requirements.txt"
    requirements.write_text(write_requirements(environment), encoding="utf-8")
    python = venv / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if uv := shutil.which("uv"):
        wanted = ["--python", environment.python] if environment.python else []
        _run([uv, "venv", *wanted, str(venv)])
        _run([uv, "pip", "install", "--python", str(python), "--no-deps", "-r", str(requirements)])
        return python
    if not is_same_release(environment.python, platform.python_version()):
        raise EnvironmentFault(
            f"it was trained with Python {environment.python}, and this is {platform.python_version()}",
            code="other_python",
            where="reproduce",
            hint=f"install uv, which brings that Python, or run this command with it; {_WITHOUT}",
        )
    _run([sys.executable, "-m", "venv", str(venv)])
    _run([str(python), "-m", "pip", "install", "--quiet", "--no-deps", "-r", str(requirements)])
    return python


def is_same_release(wanted: str, present: str) -> bool:
    """Whether packages for one Python fit the other: 3.11.2 and 3.11.7; so does any where none was recorded."""
    return not wanted or wanted.split(".")[:2] == present.split(".")[:2]


def _run(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise _cannot_be_made(str(error)) from error
    if done.returncode:
        lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        reasons = [line for line in lines if line.lower().startswith(("error", "×", "╰"))] or lines[-1:]
        raise _cannot_be_made(" ".join(reasons)[:400])


def _cannot_be_made(reason: str) -> EnvironmentFault:
    return EnvironmentFault(
        f"the environment that it was trained in cannot be made: {reason}",
        code="no_environment",
        where="reproduce",
        hint=f"check that a package index can be reached and still has these packages; {_WITHOUT}",
    )
