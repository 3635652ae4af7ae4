"""`mlops history`: what is listed, the check of the chain, and what is refused."""

import json
from datetime import UTC, datetime

import polars as pl
import pytest
import typer
from typer.testing import CliRunner

from mlops_lab.cli import history
from mlops_lab.errors import InvalidInput, NotFound
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.rollout.decision_log import read_entries, system_user, write_decision
from mlops_lab.rollout.decisions import Decision, DecisionKind
from mlops_lab.tables.declared import DECISIONS

AT = datetime(2013, 3, 1, 5, tzinfo=UTC)
app = typer.Typer()
app.command()(history.command)


@pytest.fixture
def project(write_project, tmp_path) -> Project:
    project = write_project(tmp_path)
    decisions = [
        Decision(AT, DecisionKind.RETRAIN, None, "asked", "a first one", "token:ada"),
        Decision(AT, DecisionKind.BOOTSTRAP, 1, "gates", "it passed", "token:ada"),
        Decision(AT, DecisionKind.ROLL_BACK, 1, "asked", "it is worse", system_user()),
    ]
    for number, decision in enumerate(decisions):
        assert write_decision(Lake(project.lake_path), decision, earlier=number)
    return project


def run(project: Project, *words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, [*words, "--project", str(project.root)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output
    return done.stdout


def test_each_decision_is_listed_with_who_made_it(project):
    first, reason, *_, last, _ = run(project).splitlines()
    assert first.split() == [
        "2013-03-01",
        "00:00",
        "retrain",
        "asked,",
        "by",
        "token:ada",
        "(user",
        f"{system_user()})",
    ]
    assert reason == "  a first one"
    assert last.endswith(f"asked, by {system_user()}")
    records = json.loads(run(project, "--json"))
    assert [record["number"] for record in records["decisions"]] == [1, 2, 3]
    assert records["head"] == records["decisions"][-1]["hash"]
    assert records["chain"] is None


def test_a_history_as_it_was_written_is_verified(project):
    head = run(project, "--head").strip()
    told = run(project, "--verify")
    assert "3 decisions: each is as it was written, and none is missing" in told
    assert head in told, "it is to be noted elsewhere"
    assert write_decision(
        Lake(project.lake_path), Decision(AT, DecisionKind.RETRAIN, None, "asked", "", "ada"), earlier=3
    )
    assert "the noted hash is that of decision 3 of 4" in run(project, "--verify", "--noted", head)
    chain = json.loads(run(project, "--verify", "--noted", head, "--json"))["chain"]
    assert (chain["decisions"], chain["hashed_from"], chain["noted"], chain["faults"]) == (4, 1, 3, [])


def test_a_history_that_was_changed_is_refused(project):
    Lake(project.lake_path).rewrite(DECISIONS.name, lambda rows: rows.with_columns(by=pl.lit("eve")))
    assert "decision 1 is not what was written" in run(project, "--verify", code=1)
    faults = json.loads(run(project, "--verify", "--json", code=1))["chain"]["faults"]
    assert [(fault["code"], fault["number"]) for fault in faults] == [("changed", 1), ("changed", 2), ("changed", 3)]
    assert "by eve" in run(project), "what is stored is listed all the same"


def test_a_noted_hash_finds_a_history_that_was_computed_anew(project):
    head = run(project, "--head").strip()
    entries = read_entries(Lake(project.lake_path))
    forged = Lake(project.root / "forged")
    for number, entry in enumerate(entries):
        decision = Decision(entry.at, DecisionKind(entry.what), entry.version, entry.rule, entry.reason, "eve")
        assert write_decision(forged, decision, earlier=number)
    project.lake_path.rename(project.root / "before")
    forged.path.rename(project.lake_path)
    assert "none is missing" in run(project, "--verify"), "without an anchor elsewhere it cannot be told"
    assert f"no decision has the noted hash {head}" in run(project, "--verify", "--noted", head, code=1)


def test_what_makes_no_sense_is_refused(project, write_project, tmp_path):
    with pytest.raises(InvalidInput) as wrong:
        run(project, "--noted", "abc")
    assert wrong.value.hint == "mlops history --verify --noted abc"
    (tmp_path / "empty").mkdir()
    empty = write_project(tmp_path / "empty")
    with pytest.raises(NotFound) as missing:
        run(empty, "--head")
    assert missing.value.code == "no_head"
    assert run(empty) == ""
    assert "0 decisions" in run(empty, "--verify")
