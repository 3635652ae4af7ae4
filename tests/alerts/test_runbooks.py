"""Every rule has a runbook: what to look at, and a command that exists."""

import ast
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

import mlops_lab
from mlops_lab.alerts.runbooks import RUNBOOKS, Ends, runbook_of
from mlops_lab.cli.commands import COMMANDS
from mlops_lab.monitoring.rules import Severity

SOURCE = Path(mlops_lab.__file__).parent
NAMED_ELSEWHERE = {
    "decision.rule": ["clock"],
    "CHANNEL_RULE": ["alert_channel"],
    "f'monitor_{group.severity}'": [f"monitor_{severity}" for severity in Severity],
}
"""Rules that are written as an expression where the alert is made."""


def raised() -> Iterator[tuple[str, str]]:
    """Each place in the code where an alert is made, and its rule."""
    for path in sorted(SOURCE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if "Alert(" in text else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Alert":
                named = [item.value for item in node.keywords if item.arg == "rule"]
                if rules := named or node.args[1:2]:
                    rule = rules[0].value if isinstance(rules[0], ast.Constant) else ast.unparse(rules[0])
                    for name in NAMED_ELSEWHERE.get(str(rule), [str(rule)]):
                        yield f"{path.relative_to(SOURCE)}, line {node.lineno}", name


RAISED = list(raised())


def test_the_search_finds_what_raises_alerts():
    assert {rule for _, rule in RAISED} >= {"parity", "log", "package", "clock", "alert_channel"}


@pytest.mark.parametrize(("place", "rule"), RAISED)
def test_a_rule_that_raises_alerts_has_a_runbook(place: str, rule: str):
    assert rule in RUNBOOKS or rule.partition(".")[0] in RUNBOOKS, f"{place}: add {rule} to alerts/runbooks.py"


@pytest.mark.parametrize("rule", RUNBOOKS)
def test_a_runbook_names_what_to_look_at_and_a_command(rule: str):
    runbook = RUNBOOKS[rule]
    assert len(runbook.look) > 20
    program, command, *_ = shlex.split(runbook.run)
    assert (program, command in COMMANDS) == ("mlops", True)
    assert runbook.line == f"look at {runbook.look}; run `{runbook.run}`"


def test_every_runbook_is_of_a_rule():
    assert RUNBOOKS.keys() <= {rule for _, rule in RAISED}, "nothing raises it any more"


def test_a_part_of_a_rule_has_its_runbook_and_a_rule_of_another_release_a_general_one():
    assert runbook_of("parity.load") is RUNBOOKS["parity"]
    assert runbook_of("from_the_future").ends is Ends.BY_PERSON
    assert "mlops status" in runbook_of("from_the_future").line
