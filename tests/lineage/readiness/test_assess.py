"""The sums, and what brings the next points."""

from __future__ import annotations

from datetime import date

import pytest
from readiness_facts import NOTHING, make_evidence

from mlops_lab.lineage.readiness.assess import judge
from mlops_lab.lineage.readiness.records import Readiness
from mlops_lab.lineage.readiness.rubric import Effort
from mlops_lab.project.readiness_section import ReadinessSection

TODAY = date(2026, 11, 30)


def declare(*tests: str) -> dict[str, ReadinessSection]:
    return {test: ReadinessSection(test=test, by="Ana", on=TODAY, note="n") for test in tests}


def points_of(found: Readiness) -> dict[str, float]:
    return {section.section: section.points for section in found.sections}


def test_the_sum_and_the_least_of_the_sections() -> None:
    found = judge("tiny", make_evidence(), {}, today=TODAY)
    assert points_of(found) == {"data": 3, "model": 4, "infrastructure": 6, "monitoring": 6}
    assert (found.points, found.points_by_evidence, found.score) == (19, 19, 3)
    assert [test.test for test in found.sections[2].tests] == [f"infrastructure.{number}" for number in range(1, 8)]


def test_declared_points_are_counted_apart() -> None:
    declared = declare("data.3", "model.7", "monitoring.7")
    found = judge("tiny", make_evidence(), declared, today=TODAY)
    assert (found.points, found.points_by_evidence) == (20, 19)
    results = {test.test: test for section in found.sections for test in section.tests}
    assert results["data.3"].mend is None, "a person did it: nothing here brings more"
    assert [(results[name].points, results[name].declared.counts) for name in declared] == [  # type: ignore[union-attr]
        (0.5, True),
        (0.5, True),
        (1.0, False),
    ]


def test_a_new_project_is_told_the_one_command_that_brings_most() -> None:
    found = judge("tiny", NOTHING, {}, today=TODAY)
    assert (found.points, found.score, found.maturity.level, found.now) == (0, 0, 0, None)
    assert found.meaning == "a research project rather than a system in production"
    assert found.next[0].mend == "train a first version, and answer requests with it: `mlops up`"
    assert len(found.next[0].tests) > 10


def test_the_cheapest_comes_first_and_of_these_the_weakest_section() -> None:
    found = judge("tiny", make_evidence(), {}, today=TODAY)
    efforts = [effort.text for effort in Effort]
    order = [efforts.index(step.effort) for step in found.next]
    assert order == sorted(order)
    weakest = [points_of(found)[step.tests[0].split(".")[0]] for step in found.next if step.effort == "a command"]
    assert weakest == sorted(weakest)


def test_a_test_with_all_its_points_has_nothing_to_mend_and_commands_name_the_champion() -> None:
    found = judge("tiny", make_evidence(), {}, today=TODAY)
    for section in found.sections:
        for test in section.tests:
            assert (test.mend is None) == (test.effort is None)
            assert test.mend is None or test.points < 1
            assert "{" not in f"{test.show}{test.mend}"
    reproduced = found.sections[2].tests[0]
    assert reproduced.mend == "train it again, and keep the result: `mlops reproduce 2 --note`"


@pytest.mark.parametrize(("declared", "meaning"), [((), "tested well"), (("data.3", "data.5"), "strong")])
def test_the_meaning_of_the_score(declared: tuple[str, ...], meaning: str) -> None:
    assert judge("tiny", make_evidence(), declare(*declared), today=TODAY).meaning.startswith(meaning)
