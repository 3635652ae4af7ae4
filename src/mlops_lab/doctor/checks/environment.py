"""Python, the packages, and the compiled engine."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterator

from packaging.requirements import Requirement

from mlops_lab.doctor.check import Check, Finding, Patient, fail, ok, warn
from mlops_lab.doctor.live import read_recorded
from mlops_lab.lineage.reproduce.differences import compare_environments
from mlops_lab.lineage.reproduce.environments import is_same_release
from mlops_lab.registry.engines.forest import has_kernel
from mlops_lab.training.environment import Environment, InstalledPackage, installed_packages

_OWN = "mlops-lab"
_SHOWN = 3


def look_at_python(patient: Patient) -> Finding:
    """Python against the one that trained the version that answers."""
    here, recorded = platform.python_version(), read_recorded(patient)
    if recorded is None:
        return ok(f"Python {here}")
    live, environment = recorded
    seen = f"Python {here}; version {live.version} was trained with {environment.python or 'one that is not recorded'}"
    if is_same_release(environment.python, here):
        return ok(seen)
    release = ".".join(environment.python.split(".")[:2])
    return warn(seen, f"use Python {release}, or train again with this one: `mlops run`")


def look_at_packages(patient: Patient) -> Finding:
    """The packages against what MLOps Lab asks for, and against those that trained the version that answers."""
    needed = list(_requirements())
    if unfit := [text for requirement in needed if (text := _unfit(requirement))]:
        return fail(_shorten(unfit), f"`pip install --upgrade {_OWN}`, in the environment that runs this command")
    seen = f"all {len(needed)} packages that {_OWN} asks for fit"
    recorded = read_recorded(patient)
    if recorded is None:
        return ok(seen)
    live, environment = recorded
    here = Environment(packages=tuple(_installed()))
    names = {requirement.name.lower() for requirement in needed}
    differences = [each for each in compare_environments(environment, here) if each.kind == "package"]
    own = [f"{each.name} {each.then} → {each.now}" for each in differences if each.name in names]
    if own:
        seen = f"version {live.version} was trained with others: {_shorten(own)}"
        return warn(seen, f"`mlops env compare {live.version}` lists all; `mlops run` trains with these")
    return ok(f"{seen}, and are those of version {live.version}")


def look_at_kernel(patient: Patient) -> Finding:
    """Whether forest.c was compiled."""
    del patient
    if has_kernel():
        return ok("forest.c is compiled: tree models answer at full speed")
    hint = f"install a C compiler (Debian: apt-get install gcc libc6-dev), then {_OWN} anew"
    return warn("forest.c is not compiled: LightGBM's library gives the same answers, some ten times slower", hint)


def _requirements() -> Iterator[Requirement]:
    """What this package asks for on this machine, without its extras."""
    for text in importlib.metadata.requires(_OWN) or []:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement


def _unfit(requirement: Requirement) -> str | None:
    """What is wrong with the installed package; None where it fits."""
    try:
        version = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return f"{requirement.name} is not installed"
    if requirement.specifier.contains(version, prereleases=True):
        return None
    return f"{requirement.name} {version} is installed, and {requirement.specifier} is asked for"


def _installed() -> Iterator[InstalledPackage]:
    for pair in installed_packages():
        name, _, version = pair.partition("==")
        yield InstalledPackage(name=name, version=version)


def _shorten(texts: list[str]) -> str:
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more


PYTHON = Check(
    name="python",
    looks_at="Python's release, against the one that trained the live version",
    needs="machine",
    look=look_at_python,
)
PACKAGES = Check(
    name="packages",
    looks_at="each package that MLOps Lab asks for: is it there, in a version that fits, and in that which trained the "
    "live version",
    needs="machine",
    look=look_at_packages,
)
KERNEL = Check(
    name="kernel",
    looks_at="the compiled engine of tree models",
    needs="machine",
    look=look_at_kernel,
)
