"""The environment of a training: Python, the machine, every installed package; and the commit of the code."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import subprocess
from functools import cache
from pathlib import Path

import msgspec

from mlops_lab.ids import hash_bytes, hash_json

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS")
_NOT_OF_THE_PACKAGE = re.compile(
    r"(\.\./|.*__pycache__/|[^/]+\.dist-info/(RECORD|INSTALLER|REQUESTED|direct_url\.json|uv_.*)(,|$))"
)
"""Lines of RECORD that depend on how and where a package was installed."""


class InstalledPackage(msgspec.Struct, frozen=True, kw_only=True):
    """An installed distribution. `files`: the hash of the list of its files with their hashes, without what depends on
    the place (empty: there is no list). `url`: where it was installed from, if not from a package index."""

    name: str
    version: str
    files: str = ""
    url: str = ""


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """What a training ran on. `threads`: how many processors the process may use; `variables`: what is set of the
    environment variables that limit threads; `mlops_lab`: the hash of this package's own code."""

    format: int = 1
    python: str = ""
    implementation: str = ""
    system: str = ""
    machine: str = ""
    libc: str = ""
    cpu: str = ""
    threads: int = 0
    variables: dict[str, str] = {}
    mlops_lab: str = ""
    packages: tuple[InstalledPackage, ...] = ()


@cache
def describe_environment() -> Environment:
    """The environment of this process."""
    return Environment(
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        system=platform.system(),
        machine=platform.machine(),
        libc=" ".join(platform.libc_ver()).strip(),
        cpu=_cpu_name(),
        threads=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 0,
        variables={name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ},
        mlops_lab=_hash_own_code(Path(__file__).parents[1]),
        packages=tuple(_describe_packages()),
    )


def _describe_packages() -> list[InstalledPackage]:
    packages: dict[tuple[str, str], InstalledPackage] = {}
    for distribution in importlib.metadata.distributions():
        found = InstalledPackage(
            name=distribution.name.lower(),
            version=distribution.version,
            files=hash_record(distribution.read_text("RECORD") or ""),
            url=_origin_of(distribution.read_text("direct_url.json")),
        )
        packages.setdefault((found.name, found.version), found)  # of two copies the first is the one that is imported
    return [packages[key] for key in sorted(packages)]


def hash_record(record: str) -> str:
    """The hash of what a wheel brought, from its list of installed files; empty where there is none."""
    lines = sorted(line for line in record.splitlines() if line and not _NOT_OF_THE_PACKAGE.match(line))
    return hash_bytes(line.encode() for line in lines) if lines else ""


def _origin_of(direct_url: str | None) -> str:
    """The URL of a package that came from no index (PEP 610), with the commit where it was one."""
    if not direct_url:
        return ""
    origin = msgspec.json.decode(direct_url)
    version_control = origin.get("vcs_info", {})
    prefix = f"{version_control['vcs']}+" if version_control else ""
    return f"{prefix}{origin['url']}" + (f"@{version_control['commit_id']}" if version_control else "")


def _hash_own_code(package: Path) -> str:
    files = sorted(path for path in package.rglob("*") if path.suffix in {".py", ".c"})
    return hash_bytes(part for path in files for part in (str(path.relative_to(package)).encode(), path.read_bytes()))


def _cpu_name() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor()
    match = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return match[1] if match else platform.processor()


@cache
def installed_packages() -> tuple[str, ...]:
    """`name==version` of every installed distribution, sorted."""
    pairs = {(distribution.name.lower(), distribution.version) for distribution in importlib.metadata.distributions()}
    return tuple(f"{name}=={version}" for name, version in sorted(pairs))


@cache
def environment_fingerprint() -> str:
    """The hash of Python's version, the kind of machine and every installed distribution."""
    return hash_json([platform.python_version(), platform.machine(), platform.system(), *installed_packages()])


def fingerprint_of(environment: Environment) -> str:
    """The fingerprint of an environment that was recorded: equal to `environment_fingerprint` of its process."""
    packages = (f"{package.name}=={package.version}" for package in environment.packages)
    return hash_json([environment.python, environment.machine, environment.system, *packages])


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
