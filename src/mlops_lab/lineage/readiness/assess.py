"""How ready a project is: every test and the level of maturity, from its evidence and what people declared."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

from mlops_lab import clock
from mlops_lab.lineage.readiness.catalog import TESTS, TITLES
from mlops_lab.lineage.readiness.collect import read_evidence
from mlops_lab.lineage.readiness.declared import add_declared, read_declared
from mlops_lab.lineage.readiness.evidence import Evidence
from mlops_lab.lineage.readiness.maturity import find_level
from mlops_lab.lineage.readiness.records import NextStep, Readiness, SectionResult, TestResult
from mlops_lab.lineage.readiness.rubric import Effort, Finding, RubricTest
from mlops_lab.project import Project
from mlops_lab.project.readiness_section import ReadinessSection

_MEANINGS = (
    (0, "a research project rather than a system in production"),
    (1, "not untested, but expect serious holes"),
    (2, "the basics are tested, more is needed"),
    (3, "tested well; more could run by itself"),
    (5, "strong: tested and watched by itself"),
    (7, "exceptional"),
)
"""What the least sum of a section means, up to so many points."""
_NEXT = 5


def assess(project: Project) -> Readiness:
    """How ready the project is now. InvalidInput where a declaration is dated in the future."""
    today = clock.now().astimezone(ZoneInfo(project.timezone)).date()
    declared = read_declared(project, today=today)  # before the work, not after it
    evidence = read_evidence(project)
    return judge(project.name, evidence, declared, today=today)


def judge(name: str, evidence: Evidence, declared: dict[str, ReadinessSection], *, today: date) -> Readiness:
    """The result of all tests. Pure: the same evidence gives the same result."""
    found = [(test, test.check(evidence)) for test in TESTS]
    results = [_record(test, finding, declared.get(test.key), evidence, today=today) for test, finding in found]
    sections = [
        _sum_up(section, [result for result in results if result.test.startswith(f"{section}.")]) for section in TITLES
    ]
    score = min(section.points for section in sections)
    return Readiness(
        project=name,
        now=evidence.now.isoformat() if evidence.now else None,
        points=sum(section.points for section in sections),
        points_by_evidence=sum(finding.points for _, finding in found),
        score=score,
        meaning=next(text for most, text in _MEANINGS if score <= most),
        sections=sections,
        maturity=find_level(evidence),
        next=_find_next(results, sections),
        problems=list(evidence.problems),
    )


def _record(
    test: RubricTest, finding: Finding, item: ReadinessSection | None, evidence: Evidence, *, today: date
) -> TestResult:
    points, declared = add_declared(finding, item, today=today)
    mend = test.mend if finding.mend is None else finding.mend
    effort = finding.effort or test.effort
    is_done = effort is Effort.PERSON and declared is not None and declared.counts and not declared.is_old
    has_more = points < 1 and bool(mend) and not is_done
    return TestResult(
        test=test.key,
        name=test.name,
        points=points,
        evidence=finding.evidence,
        on=finding.on.isoformat() if finding.on else None,
        says_no=finding.says_no,
        declared=declared,
        counts=test.counts,
        show=_fill(finding.show or test.show, evidence),
        mend=_fill(mend, evidence) if has_more else None,
        effort=effort.text if has_more else None,
    )


def _fill(text: str, evidence: Evidence) -> str:
    """The command with the number of the champion; 1 will be that of the first version."""
    return text.replace("{champion}", str(evidence.champion or 1))


def _sum_up(section: str, results: list[TestResult]) -> SectionResult:
    title = next(title for name, title in TITLES.items() if name == section)
    return SectionResult(section=section, title=title, points=sum(item.points for item in results), tests=results)


def _find_next(results: Sequence[TestResult], sections: Sequence[SectionResult]) -> list[NextStep]:
    """What brings the next points: the cheapest first; of what costs as much, what is about most tests, and about the
    weakest section."""
    efforts = [effort.text for effort in Effort]
    points = {section.section: section.points for section in sections}
    by_mend: dict[tuple[str, str], list[str]] = {}
    for item in results:
        if item.mend is not None and item.effort is not None:
            by_mend.setdefault((item.effort, item.mend), []).append(item.test)
    steps = [NextStep(mend=mend, effort=effort, tests=tests) for (effort, mend), tests in by_mend.items()]
    steps.sort(
        key=lambda step: (
            efforts.index(step.effort),
            -len(step.tests),
            min(points[test.split(".")[0]] for test in step.tests),
        )
    )
    return steps[:_NEXT]
