"""What people have declared in `[[readiness]]`: half a point, with a name and a date, and never more."""

from __future__ import annotations

from datetime import date, timedelta

from mlops_lab.lineage.readiness.records import Declared
from mlops_lab.lineage.readiness.rubric import BY_HAND, Finding
from mlops_lab.project import Project
from mlops_lab.project.readiness_section import ReadinessSection

OLD = timedelta(days=365)


def read_declared(project: Project, *, today: date) -> dict[str, ReadinessSection]:
    """The declarations by test. InvalidInput where one is dated after today.

    That is checked here, and not when settings are loaded: a server must not fail because its clock was set back.
    """
    for number, item in enumerate(project.settings.readiness):
        if item.on > today:
            hint = f"today is {today}: write the day on which the test was done"
            raise project.layers.error_at(f"{item.on} is in the future", ["readiness", str(number), "on"], hint)
    return {item.test: item for item in project.settings.readiness}


def add_declared(finding: Finding, item: ReadinessSection | None, *, today: date) -> tuple[float, Declared | None]:
    """The points of a test with what was declared of it: evidence that says no outweighs it."""
    if item is None:
        return finding.points, None
    counts = finding.points < BY_HAND and not finding.says_no
    declared = Declared(
        by=item.by.strip(), on=str(item.on), note=item.note.strip(), is_old=today - item.on > OLD, counts=counts
    )
    return (BY_HAND if counts else finding.points), declared
