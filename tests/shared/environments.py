"""An environment to export, and a program that stands for uv, which asks a package index."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops_lab.exporters.environments.source import EnvironmentSource, Wheel
from mlops_lab.training.environment import Environment, InstalledPackage

OWN = Wheel("wheels/mlops_lab-0.1.0-py3-none-any.whl", b"a wheel")
PACKAGES = (
    InstalledPackage(name="mlops-lab", version="0.1.0", url="file:///somewhere"),
    InstalledPackage(name="numpy", version="2.4.0"),
    InstalledPackage(name="polars", version="2.0.0"),
)
ENVIRONMENT = Environment(python="3.11.7", system="Linux", machine="x86_64", packages=PACKAGES)
SOURCE = EnvironmentSource("shop", 3, ENVIRONMENT, OWN)
_UV = """#!/bin/sh
echo "$@" >> "$(dirname "$0")/asked"
while read -r line || [ -n "$line" ]; do
  [ -n "$line" ] && case "$line" in
    *==*) echo "$line --hash=sha256:$(printf '%064d' 7)";;
    *) echo "$line==1.0 --hash=sha256:$(printf '%064d' 7)";;
  esac
done
"""


def put_uv(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a program `uv` the first one: it locks what it is given with one made-up hash; the file that notes how it was
    called."""
    folder.mkdir()
    program = folder / "uv"
    program.write_text(_UV)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder / "asked"
