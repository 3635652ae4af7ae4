"""The environment of a training: the commit of the code, and the fingerprint of the installed packages."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from functools import cache
from pathlib import Path

from mlops_lab.ids import hash_json


@cache
def installed_packages() -> tuple[str, ...]:
    """`name==version` of every installed distribution, sorted."""
    pairs = {(distribution.name.lower(), distribution.version) for distribution in importlib.metadata.distributions()}
    return tuple(f"{name}=={version}" for name, version in sorted(pairs))


@cache
def environment_fingerprint() -> str:
    """The hash of Python's version, the kind of machine and every installed distribution."""
    return hash_json([platform.python_version(), platform.machine(), platform.system(), *installed_packages()])


def code_commit(folder: Path) -> str:
    """The git commit of the folder, with `+changes` where files differ from it; `unversioned` outside git."""
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no", "--", str(folder))
    except (OSError, subprocess.CalledProcessError):
        return "unversioned"
    return f"{commit}+changes" if changed else commit


def _git(folder: Path, *arguments: str) -> str:
    result = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    return result.stdout.strip()
