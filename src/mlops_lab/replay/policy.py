"""Policies that a backtest compares: the project's own settings or other ones, never, blindly, or one version."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from mlops_lab.errors import InvalidInput
from mlops_lab.project import Project, load_project

MAY_DIFFER = frozenset({"training", "backtest", "gates", "rollout", "triggers"})
"""The sections that a policy may set: others would make it another project."""
_EVERY = re.compile(r"every ([1-9][0-9]{0,3}) days?")
_VERSION = re.compile(r"version ([1-9][0-9]{0,8})")
_BETWEEN_SETTINGS = re.compile(r",\s*(?=[A-Za-z_]+\.[A-Za-z_.]+=)")


class PolicyKind(StrEnum):
    """How a policy decides."""

    LOOP = "loop"
    """As the loop does, by the settings."""
    FROZEN = "frozen"
    """Never: what was live when the span began answers all the time."""
    BLIND = "blind"
    """Every so many days a version that has learned from all that is known takes over, untested."""
    VERSION = "version"
    """A registered version answers all the time."""


@dataclass(frozen=True)
class Policy:
    """A policy: its name as it was given, how it decides, and the project with its settings. `number` is the days
    between two trainings, or the version."""

    name: str
    kind: PolicyKind
    project: Project
    number: int = 0


def parse_policy(project: Project, text: str) -> Policy:
    """The policy that `own`, `frozen`, `every 28 days`, `version 3` or `SECTION.KEY=VALUE` (several with commas) names.

    InvalidInput for anything else, and where a setting is wrong or would make it another project.
    """
    text = text.strip()
    if text == "own":
        return Policy(text, PolicyKind.LOOP, project)
    if text == "frozen":
        return Policy(text, PolicyKind.FROZEN, project)
    if (every := _EVERY.fullmatch(text)) is not None:
        return Policy(text, PolicyKind.BLIND, project, int(every[1]))
    if (version := _VERSION.fullmatch(text)) is not None:
        return Policy(text, PolicyKind.VERSION, project, int(version[1]))
    if "=" in text:
        return Policy(text, PolicyKind.LOOP, _with_settings(project, _BETWEEN_SETTINGS.split(text)))
    raise InvalidInput(
        f'"{text}" is not a policy',
        code="bad_policy",
        where="--policy",
        hint='write own, frozen, "every 28 days", "version 3", or a setting such as rollout.prove=better',
    )


def _with_settings(project: Project, settings: list[str]) -> Project:
    for setting in settings:
        if (section := setting.split(".")[0].strip()) not in MAY_DIFFER:
            raise InvalidInput(
                f"[{section}] cannot differ between policies",
                code="bad_policy",
                where=f"--policy {setting}",
                hint=f"set keys of {', '.join(f'[{name}]' for name in sorted(MAY_DIFFER))}",
            )
    return load_project(project.root, flags=[*project.layers.flags, *settings])
