"""`mlops approve` and `mlops reject`, by people with tokens."""

import json
from collections.abc import Callable

import pytest
import typer
from typer.testing import CliRunner
from waiting_rollout import write_waiting_rollout

from mlops_lab.cli import approve, reject, status
from mlops_lab.cli.records.decisions import ApprovalRecord, RejectRecord
from mlops_lab.errors import Refused
from mlops_lab.loop.people import VARIABLE
from mlops_lab.loop.tick import Loop
from mlops_lab.project import Project
from mlops_lab.rollout.decision_log import system_user
from mlops_lab.serving.http.tokens import create_token


@pytest.fixture
def project(tiny, tmp_path) -> Project:
    project = write_waiting_rollout(tiny, tmp_path / "project")
    assert [str(decision.what) for decision in Loop(project).tick(tiny.now)] == ["ask_approval"]
    return project


def run(command: Callable[..., None], project: Project, *words: str, token: str = "") -> str:
    app = typer.Typer()
    app.command()(command)
    done = CliRunner().invoke(app, [*words, "--project", str(project.root)], env={VARIABLE: token})
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_second_person_approves_with_a_token_of_their_own(project, tiny):
    ada, bob = (create_token(project, "operate", name=name)[1] for name in ("ada", "bob"))
    assert "it waits for 1 person other than ada" in run(status.command, project)
    with pytest.raises(Refused, match="version 2 is your own, ada"):
        run(approve.command, project, "2", "--note", "mine", token=ada)
    told = run(approve.command, project, "2", "--note", "looked at it", token=bob)
    assert told == "token:bob approved canary of version 2: the loop takes the step when it is due, at its next tick\n"
    assert "token:bob approved: the next tick of the loop goes on" in run(status.command, project)


def test_what_it_prints_for_machines(project):
    made = json.loads(run(approve.command, project, "2", "--step", "promote", "--note", "agreed", "--json"))
    assert made.keys() == set(ApprovalRecord.__struct_fields__)
    assert (made["by"], made["missing"], made["whom"]) == (system_user(), 0, "")
    rejected = json.loads(run(reject.command, project, "2", "--note", "no", "--json"))
    assert rejected.keys() == set(RejectRecord.__struct_fields__)
    assert (rejected["what"], rejected["champion"]) == ("reject", 1)


def test_a_rejection_says_what_answers(project):
    assert (
        run(reject.command, project, "2", "--note", "no") == f"{system_user()} rejected version 2; version 1 answers\n"
    )
