"""Readiness: the tests of the ML Test Score with their evidence, the level of maturity, and what brings more."""

from __future__ import annotations

from collections.abc import Mapping

from mlops_lab.lineage.readiness.assess import assess
from mlops_lab.web.view import Content, Source, View


def query(source: Source, asked: Mapping[str, str]) -> Content:
    """The result of all tests; with `section`, the tests of that one only."""
    found = assess(source.project)
    chosen = [section for section in found.sections if section.section == asked.get("section", "")]
    return {"found": found, "shown": chosen or found.sections, "chosen": chosen[0].section if chosen else ""}


VIEW = View(name="readiness", title="Readiness", command="mlops readiness", query=query)
