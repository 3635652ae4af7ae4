"""Requirements with the hashes of all files that a package index has for them, found by uv."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.exporters.environments.source import EnvironmentSource
from mlops_lab.extras import needs_extra

_PLATFORMS = {"arm64": "aarch64", "AMD64": "x86_64"}


def lock_all(source: EnvironmentSource) -> str:
    """The packages of an environment, and no others, with their hashes; without the wheel that goes along."""
    return _lock(source.pins, source, "--no-deps")


def lock_some(source: EnvironmentSource, names: Iterable[str], *, alone: Iterable[str] = ()) -> str:
    """Some packages of an environment with what they need, in its versions, for Linux; `alone` come without what they
    need."""
    pins = dict(zip((package.name for package in source.packages), source.pins, strict=True))
    missing = sorted(name for name in {*names, *alone} if name not in pins)
    if missing:
        raise InvalidInput(
            f"the environment does not have {', '.join(missing)}, which the image needs",
            code="missing_package",
            where=source.title,
            hint="install it, and train a version again: `mlops run`",
        )
    machine = source.environment.machine
    platform = f"{_PLATFORMS.get(machine, machine)}-unknown-linux-gnu"
    exact = [pin for pin in pins.values() if " @ " not in pin]
    together = _lock(names, source, "--python-platform", platform, constraints=exact)
    return together + (_lock([pins[name] for name in alone], source, "--no-deps") if alone else "")


def _lock(
    requirements: Iterable[str], source: EnvironmentSource, *options: str, constraints: Iterable[str] = ()
) -> str:
    """What uv makes of the requirements. InvalidInput where one can have no hash; EnvironmentFault where uv fails."""
    requirements = list(requirements)
    if unhashed := [line for line in requirements if " @ " in line and ("+" in line or "file:" in line)]:
        raise InvalidInput(
            f"{', '.join(unhashed)}: it came from no package index, so no hash of it is known beforehand",
            code="no_hash",
            where=source.title,
            hint="publish it to a package index; `mlops env export --no-hashes` writes versions and addresses only",
        )
    with tempfile.TemporaryDirectory(prefix="mlops-lock-") as folder:
        pinned = Path(folder) / "constraints.txt"
        pinned.write_text("\n".join(constraints), encoding="utf-8")
        command = [find_uv(), "pip", "compile", "-", "--quiet", "--generate-hashes", "--no-header", "--no-annotate"]
        command += ["--python-version", source.environment.python, "--constraints", str(pinned), *options]
        done = subprocess.run(
            command, input="\n".join(requirements), cwd=folder, capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise EnvironmentFault(
            f"the packages cannot be locked: {' '.join(done.stderr.split())[:400]}",
            code="not_locked",
            where=source.title,
            hint="check that a package index can be reached and still has these packages; "
            "`mlops env export --no-hashes` asks none",
        )
    return done.stdout


def find_uv() -> str:
    """The path of uv; EnvironmentFault where it is not installed."""
    if found := shutil.which("uv"):
        return found
    with needs_extra("environments", "a lock with hashes"):
        import uv  # a folder with the program
    return uv.find_uv_bin()
