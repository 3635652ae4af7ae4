"""The lab `moved-project`: a live project on one machine, and how it lives on another one."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import msgspec
import polars as pl

from mlops_lab.learn.checking import fail
from mlops_lab.learn.labs.data.cases import Case, LabData, known_before, write_cases
from mlops_lab.learn.labs.data.layout import Needs
from mlops_lab.learn.labs.data.words import words_of
from mlops_lab.learn.labs.days import play_days
from mlops_lab.learn.labs.git import check_repository
from mlops_lab.learn.labs.project import data_file, make_project, train
from mlops_lab.learn.labs.work import (
    PROGRAMS,
    LabWork,
    ask,
    decisions_of,
    require_champion,
    run_mlops,
    run_program,
    serving,
    variables,
)
from mlops_lab.project import Project
from mlops_lab.tables.declared import OUTCOMES, PREDICTIONS
from mlops_lab.tables.open_lake import open_lake

PAST_DAYS, LIVE_DAYS = 35, 6
NEEDS = Needs(days=PAST_DAYS + LIVE_DAYS + 1, per_day=80, min_per_day=40)
_SECRETS = ("token", "tokens.json", "keys.json", "keys/*.pem")


def start(folder: Path, data: LabData) -> None:
    """A project that was live for some days, with its data outside of it; and an empty machine."""
    layout, cases = data.layout, data.cases(0, PAST_DAYS + LIVE_DAYS)
    live, words = layout.day(PAST_DAYS), words_of(layout)
    past = known_before(cases, live)
    root, file = folder / "laptop" / words["project"], f"../downloads/{words['rows']}.csv"
    make_project(root, past, layout, edits={data_file(layout): file})
    write_cases(root / file, past, layout.columns)
    shutil.rmtree(root / "data")
    train(root, layout)
    play_days(root, cases, first=live, days=LIVE_DAYS)
    (root / ".gitignore").unlink()
    (folder / "colleague").mkdir()


def _asked(work: LabWork) -> list[Case]:
    """What the laptop was asked about, and before."""
    return work.data.cases(0, PAST_DAYS + LIVE_DAYS)


def _hidden(work: LabWork) -> list[Case]:
    return work.data.hidden(PAST_DAYS + LIVE_DAYS, 1)


def _here(work: LabWork) -> str:
    return f"laptop/{work.project}"


def _open_there(work: LabWork) -> Project:
    """The project at the colleague's, who cannot reach the laptop."""
    if (work.folder / "laptop").is_dir():
        shutil.move(work.folder / "laptop", work.scratch / "laptop")
    project = work.open(f"colleague/{work.project}")
    require_champion(project)
    return project


def check_in_git(work: LabWork) -> None:
    """A fresh clone works."""
    check_repository(work, _here(work))


def check_same_answers(work: LabWork) -> None:
    """The same version answers, with the same numbers."""
    here, requests = work.open(_here(work)), [case.request for case in _hidden(work)]
    with serving(here) as client:
        expected = [body["output"] for _, body in ask(client, requests)]
    there = _open_there(work)
    with serving(there) as client:
        answers = ask(client, requests)
    for request, right, (status, body) in zip(requests, expected, answers, strict=True):
        if status != 200:
            fail("refused", seen=f"at Bo's, {request} got {status}: {body['error']['what']}", expected="an answer")
        if body["output"] != right:
            seen = f"the laptop answers {right!r}, Bo's machine {body['output']!r}"
            fail("other-answers", seen=seen, expected="the same version, and the same answer to the last digit")


def check_record(work: LabWork) -> None:
    """Nothing of the record is lost or changed."""
    here = work.open(_here(work))
    run_mlops("tick", folder=here.root)
    decisions, predictions = len(decisions_of(here)), _ids(here)
    there = _open_there(work)
    run_mlops("tick", folder=there.root)
    if (moved := len(decisions_of(there))) < decisions:
        fail("decisions-lost", seen=f"{moved} of {decisions} decisions are at Bo's", expected="all of them")
    if lost := len(predictions - _ids(there)):
        fail("predictions-lost", seen=f"{lost} of {len(predictions)} predictions are missing", expected="all of them")
    done = run_mlops("history", "--verify", folder=there.root)
    if done.returncode:
        seen = f"`mlops history --verify`: {(done.stdout + done.stderr).strip()[-300:]}"
        fail("not-verified", seen=seen, expected="that it finds nothing wrong")


def _ids(project: Project) -> set[str]:
    lake = open_lake(project)
    return set(PREDICTIONS.read(lake, columns=["id"])["id"]) if PREDICTIONS.exists(lake) else set()


def check_goes_on(work: LabWork) -> None:
    """A new day, with outcomes of rows that the laptop answered."""
    there, new = _open_there(work), _hidden(work)
    end = work.day(PAST_DAYS + LIVE_DAYS)
    waiting = [case for case in _asked(work) if case.at.date() < end <= case.known_at.date()]
    with serving(there) as client:
        refused = [body for status, body in ask(client, (case.request for case in new)) if status != 200]
        if refused:
            fail("refused", seen=f"new {work.words['rows']}: {refused[0]['error']['what']}", expected="answers")
        outcomes = [case.outcome for case in waiting]
        client.call("POST", "/v1/outcomes", msgspec.json.encode({"outcomes": outcomes}))
    done = run_mlops("tick", folder=there.root)
    if done.returncode:
        fail("no-tick", seen=f"`mlops tick`: {done.stderr.strip()[-300:]}", expected="that it runs")
    lake = open_lake(there)
    rows = OUTCOMES.read(lake).filter(pl.col("verdict") == "accepted") if OUTCOMES.exists(lake) else None
    known = set(rows["id"]) if rows is not None else set()
    if lost := sum(case.id not in known for case in waiting):
        seen = f"{lost} of {len(waiting)} outcomes of rows that the laptop answered found no prediction"
        fail("outcomes-lost", seen=seen, expected="each joined to its prediction")


def check_alone(work: LabWork) -> None:
    """All that is needed is there."""
    project = _open_there(work)
    for data in project.settings.named_data:
        if Path(data).is_absolute():
            fail("absolute-path", seen=f"data = {data!r}", expected="no path of one machine in mlops.toml")
    for words, allowed in ((("contract", "check"), {0}), (("run",), {0, 1})):
        done = run_mlops(*words, folder=project.root)
        if done.returncode not in allowed:
            seen = f"`mlops {' '.join(words)}`: {(done.stderr or done.stdout).strip()[-400:]}"
            fail("not-alone", seen=seen, expected="that it works without the laptop")


def check_steps(work: LabWork) -> None:
    """The orchestrator's steps run."""
    root = _open_there(work).root
    scripts = sorted(root.glob("*/steps.py"))
    if not scripts:
        seen = f"there is no export with a steps.py in a folder of {root.name}"
        fail("no-export", seen=seen, expected="one, of `mlops export` for an orchestrator")
    export = scripts[0].parent
    written_by = re.search(r"mlops export (\w+)", scripts[0].read_text(encoding="utf-8"))
    tool = written_by[1] if written_by else export.name
    done = run_mlops("export", "check", tool, export.name, folder=root)
    if done.returncode:
        seen = f"`mlops export check {tool} {export.name}`: {(done.stdout + done.stderr).strip()[-300:]}"
        fail("stale-export", seen=seen, expected="that it would change nothing")
    for step in ("check", "tick"):
        env = variables(MLOPS=str(PROGRAMS / "mlops"))
        done = run_program(sys.executable, scripts[0], step, folder=Path("/"), env=env)
        if done.returncode:
            seen = f"`python {export.name}/steps.py {step}`, from /: {done.stderr.strip()[-300:]}"
            fail("step-fails", seen=seen, expected="that it runs, from any folder")


def check_rights(work: LabWork) -> None:
    """Secrets are for their owner."""
    home = _open_there(work).root / ".mlops"
    for pattern in _SECRETS:
        for path in home.glob(pattern):
            if mode := path.stat().st_mode & 0o077:
                seen = f".mlops/{path.relative_to(home)} can be read or written by others (mode {mode:03o})"
                fail("readable-secret", seen=seen, expected="that only its owner can read it")


CHECKS = {
    "repository": check_in_git,
    "same-answers": check_same_answers,
    "record": check_record,
    "goes-on": check_goes_on,
    "alone": check_alone,
    "steps": check_steps,
    "rights": check_rights,
}
