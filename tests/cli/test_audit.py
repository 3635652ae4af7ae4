"""`mlops audit`: what a person reads, the file, and what is refused."""

import csv
import json

import polars as pl
import pytest
import typer
from typer.testing import CliRunner
from waiting_rollout import write_waiting_rollout

from mlops_lab.cli import audit
from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.lake import Lake
from mlops_lab.lineage.audit import Audit
from mlops_lab.project import Project
from mlops_lab.rollout.decision_log import system_user
from mlops_lab.tables.declared import DECISIONS

app = typer.Typer()
app.command()(audit.command)


@pytest.fixture(scope="module")
def project(tiny, tmp_path_factory) -> Project:
    return write_waiting_rollout(tiny, tmp_path_factory.mktemp("audited") / "project")


def run(project: Project, *words: str) -> tuple[str, str]:
    done = CliRunner().invoke(app, [*words, "--project", str(project.root)], env={"COLUMNS": "200"})
    if done.exception is not None:
        raise done.exception
    return done.stdout, done.stderr


def test_a_person_reads_who_let_it(project, tiny):
    told, _ = run(project)
    first, made, trained, *_ = told.splitlines()
    assert first.startswith("version 1, champion, from ")
    assert first.endswith(" until now")
    assert made.strip() == f"decision 2, bootstrap by ada (user {system_user()}), gates:"
    assert trained.strip().startswith("trained, asked for by ada (asked), decision 2; package ")
    assert "version 2, shadow, from " in told
    at = (tiny.now - 2 * (tiny.now - tiny.now.replace(hour=0))).isoformat()
    assert "answers logged in that minute: none" in run(project, "--at", at)[0]
    assert "no version was live" in run(project, "--at", "2000-01-01T00:00:00Z")[0]


def test_it_is_written_as_a_table_and_as_json(project, tmp_path):
    file = tmp_path / "audit.csv"
    told, talk = run(project, "--csv", str(file))
    assert (told, talk) == ("", f"2 rows in {file}\n")
    with file.open() as opened:
        rows = list(csv.DictReader(opened))
    record = json.loads(run(project, "--json")[0])
    assert record.keys() == set(Audit.__struct_fields__)
    assert [row["hash"] for row in rows] == [span["hash"] for span in record["live"]]


def test_what_is_wrong_is_told(tiny, tmp_path):
    project = write_waiting_rollout(tiny, tmp_path / "project")
    with pytest.raises(InvalidInput) as early:
        run(project, "--at", "2999-01-01T00:00:00Z")
    assert early.value.code == "in_future"
    with pytest.raises(EnvironmentFault):
        run(project, "--csv", str(tmp_path / "nowhere" / "audit.csv"))
    Lake(project.lake_path).rewrite(DECISIONS.name, lambda rows: rows.filter(pl.col("number") != 3))
    assert "the history is not what was written: decision 3 is missing" in run(project)[1]
