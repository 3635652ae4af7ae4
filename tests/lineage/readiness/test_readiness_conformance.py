"""Every test of the rubric: what it says about itself, and what it finds in a new project and in one that has lived."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from readiness_facts import DAILY, NOTHING, make_evidence

from mlops_lab.cli.commands import COMMANDS
from mlops_lab.cli.main import load_command
from mlops_lab.gates.run import GATES
from mlops_lab.lineage.readiness.catalog import TESTS, TITLES
from mlops_lab.lineage.readiness.rubric import Effort, Finding, RubricTest
from mlops_lab.project.readiness_section import RUBRIC_SECTIONS, RUBRIC_TESTS
from mlops_lab.tables.declared import MEASUREMENTS

DOCS = Path(__file__).parents[3] / "docs" / "readiness.md"
SOURCE = Path(__file__).parents[3] / "src" / "mlops_lab" / "lineage" / "readiness"
every = pytest.mark.parametrize("test", TESTS, ids=[test.key for test in TESTS])


def check_command(line: str) -> None:
    """The command and its options exist."""
    words = shlex.split(line.replace("{champion}", "1"))
    if words[0] != "mlops":
        return
    command: Any = load_command(COMMANDS[words[1]])
    rest = words[2:]
    if hasattr(command, "commands"):
        command, rest = command.commands[rest[0]], rest[1:]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in rest if word.startswith("--")} <= known, line


def check_finding(test: RubricTest, finding: Finding) -> None:
    assert finding.points in {0.0, 0.5, 1.0}
    assert finding.evidence
    assert "{" not in finding.evidence
    assert finding.evidence[-1] != "."
    assert not (finding.says_no and finding.points)
    for text in (finding.mend or test.mend, f"`{finding.show or test.show}`"):
        for line in re.findall(r"`((?:mlops) [^`]+)`", text):
            check_command(line)


def test_there_are_seven_tests_in_each_of_four_sections() -> None:
    assert tuple(test.key for test in TESTS) == RUBRIC_TESTS
    assert tuple(TITLES) == RUBRIC_SECTIONS
    assert len(RUBRIC_TESTS) == 28


@every
def test_a_test_says_what_counts_what_shows_it_and_what_mends_it(test: RubricTest) -> None:
    assert test.name
    assert test.counts
    check_command(test.show)
    assert re.search(r"`[^`]+`", test.mend), "name a command"
    assert f"| {test.key} |" in DOCS.read_text()
    assert test.effort.text


@every
def test_nothing_was_done_and_nothing_is_found(test: RubricTest) -> None:
    finding = test.check(NOTHING)
    check_finding(test, finding)
    assert finding.points == 0
    assert not finding.says_no


@every
def test_a_project_that_has_lived(test: RubricTest) -> None:
    finding = test.check(make_evidence())
    check_finding(test, finding)
    by_hand = {"monitoring.1", "monitoring.6"}
    nothing = {"data.2", "data.3", "data.5", "data.6", "model.2", "model.3", "model.7", "infrastructure.1"}
    assert finding.points == (0.5 if test.key in by_hand else 0.0 if test.key in nothing else 1.0), finding


def test_what_is_looked_at_exists() -> None:
    """The gates and the monitors that tests name in their text are those that there are."""
    text = "".join(path.read_text() for path in SOURCE.glob("*.py"))
    named = set(re.findall(r'(?:judged|of_champion)\("(\w+)"\)|of_gate\(evidence, "(\w+)"', text))
    assert {one or other for one, other in named} <= {gate.name for gate in GATES}
    monitors = next(column.meaning for column in MEASUREMENTS.columns if getattr(column, "name", "") == "monitor")
    for monitor in (*DAILY, "unseen", "server_errors", "slice_excess_loss", "slice_rmse"):
        assert f"`{monitor}`" in monitors


def test_efforts_have_different_words() -> None:
    assert len({effort.text for effort in Effort}) == len(Effort)
