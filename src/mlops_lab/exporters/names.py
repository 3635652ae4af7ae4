"""The names of things in other tools."""

from __future__ import annotations

import re

from mlops_lab.project import Project

_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_LONGEST = 40
"""Kubernetes allows 63 characters, and our suffixes need some."""


def make_name(project: Project) -> str:
    """The project's name as Kubernetes allows it: small letters, digits and hyphens, which all tools take."""
    return _NOT_IN_NAMES.sub("-", project.name.lower()).strip("-")[:_LONGEST].strip("-") or "model"


def make_identifier(name: str) -> str:
    """The name as an identifier that Python and feature stores accept."""
    text = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name)
    return text if not text[:1].isdigit() else f"_{text}"
