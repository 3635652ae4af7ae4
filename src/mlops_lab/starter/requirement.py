"""How the machines of a team install this package for a project: as it was installed here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.metadata import Distribution

from mlops_lab.training.own_wheel import pack_wheel

_REMOTE = ("https://", "http://", "ssh://")


@dataclass(frozen=True)
class PackageRequirement:
    """A line of requirements.txt, the reason for it, and the wheel that goes with the project, if it names one."""

    line: str
    reason: str
    wheel: bytes = b""
    wheel_path: str = ""


def require_package(installed: Distribution, extra: str = "") -> PackageRequirement:
    """The requirement of the package that is running. `extra`: one of its extras in brackets, or "".

    pip notes where it got a package from (direct_url.json, PEP 610): nothing for a registry, the address and the commit
    of a repository, or the address of a file. What came from this machine is packed into a wheel: no other machine has
    that place.
    """
    source = json.loads(installed.read_text("direct_url.json") or "{}")
    url: str = source.get("url", "")
    if not url:
        return PackageRequirement(f"mlops-lab{extra}=={installed.version}", "the release that wrote this project")
    if url.startswith(_REMOTE) and "vcs_info" in source:
        commit, tool = source["vcs_info"]["commit_id"], source["vcs_info"]["vcs"]
        return PackageRequirement(f"mlops-lab{extra} @ {tool}+{url}@{commit}", "the commit that wrote this project")
    if url.startswith(_REMOTE):
        return PackageRequirement(f"mlops-lab{extra} @ {url}", "the file that wrote this project")
    name, wheel = pack_wheel(installed)
    reason = "it was installed from this machine, where others cannot get it: its wheel goes with the project"
    return PackageRequirement(f"./wheels/{name}{extra}", reason, wheel, f"wheels/{name}")
