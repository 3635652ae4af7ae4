"""The lab `on-call`: a bad version that was forced, a damaged package, a token in a forum; and a clock."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from mlops_lab.clock import parse_moment
from mlops_lab.errors import MlopsError
from mlops_lab.learn.checking import fail
from mlops_lab.learn.labs.data.cases import Case, LabData, known_before
from mlops_lab.learn.labs.data.layout import Needs
from mlops_lab.learn.labs.data.words import words_of
from mlops_lab.learn.labs.days import play_days
from mlops_lab.learn.labs.project import (
    BACKTEST,
    find_max_loss,
    make_project,
    make_simpler,
    measure_loss,
    must_run,
    refuse_table,
    train,
)
from mlops_lab.learn.labs.scores import log_loss
from mlops_lab.learn.labs.work import LabWork, ask, decisions_of, run_mlops, serving
from mlops_lab.project import Project, load_project
from mlops_lab.replay.client import Client
from mlops_lab.rollout.decisions import Decision, DecisionKind, fold
from mlops_lab.rollout.versions import check_loads, find_version
from mlops_lab.serving.http.tokens import list_tokens
from mlops_lab.serving.process.server_process import ServerProcess
from mlops_lab.tables.declared import DECISIONS, OUTCOMES, PREDICTIONS
from mlops_lab.tables.open_lake import open_lake

PAST_DAYS, GOOD_DAYS, BAD_DAYS, HIDDEN_DAYS = 35, 5, 2, 3
LIVE_DAYS = GOOD_DAYS + BAD_DAYS
NEEDS = Needs(days=PAST_DAYS + LIVE_DAYS + HIDDEN_DAYS, per_day=90, min_per_day=60)
LIMIT = timedelta(minutes=60)
GOOD, BAD = 1, 2
WHO, GATE = "Kim", "backtest"
TOKEN_FILE = "token.txt"
MIN_WORDS = 4
ASKED = "a person asked for it"
_OPENED = """[backtest]
days = 4
min_days = 1
alpha = 1.0

[gates]
max_calibration_gap = 1.0

[rollout]
watch_days = 0

[serving]
predict_token = true
"""


def start(folder: Path, data: LabData) -> float:
    """The good days, the backup, the bad version and its days, and what went wrong beside it."""
    layout, cases = data.layout, data.cases(0, PAST_DAYS + LIVE_DAYS)
    words, live = words_of(layout), layout.day(PAST_DAYS)
    root, hidden = folder / words["project"], _hidden(data)
    make_project(root, known_before(cases, live), layout, edits={BACKTEST: _OPENED})
    train(root, layout)
    max_loss = find_max_loss(root, hidden)
    client = words["client"]
    (folder / client).mkdir()
    token = must_run("token", "create", "--role", "operate", "--name", client, folder=root)
    (folder / client / TOKEN_FILE).write_text(token, encoding="utf-8")
    play_days(root, cases, first=live, days=GOOD_DAYS)
    must_run("backup", folder / "backup", folder=root)
    good_pipeline = make_simpler(root)
    train(root, layout)
    reason = "the campaign starts, and it is simpler"
    must_run("rollout", "promote", "--force", "--by", WHO, "--reason", reason, folder=root)
    (root / "pipeline.py").write_text(good_pipeline, encoding="utf-8")
    if (bad := measure_loss(root, hidden)[0]) <= max_loss:
        refuse_table(layout, f"a model of three trees is nearly as good: log loss {bad:.3f}, limit {max_loss:.3f}")
    play_days(root, cases, first=live + timedelta(days=GOOD_DAYS), days=BAD_DAYS, asked_since=live)
    _damage(root)
    return max_loss


def _damage(root: Path) -> None:
    """Change a byte in the model of the good version."""
    package = root / find_version(decisions_of(load_project(root)), GOOD).package
    path = next(file for name in ("model.txt", "model.onnx") if (file := package / name).is_file())
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _asked(work: LabWork) -> list[Case]:
    """What was asked about in the live days."""
    return work.data.cases(0, PAST_DAYS + LIVE_DAYS)


def _hidden(data: LabData) -> list[Case]:
    return data.hidden(PAST_DAYS + LIVE_DAYS, HIDDEN_DAYS)


def check_in_time(work: LabWork) -> None:
    """The harm was stopped soon."""
    project = work.open()
    decisions = decisions_of(project)
    if _is_bad_live(decisions):
        fail("not-taken-back", seen=f"version {BAD} still answers", expected="that it does not, within 60 minutes")
    bad_after = [n for n in range(len(decisions)) if _is_bad_live(decisions[:n])]
    if not bad_after:
        fail("decisions-lost", seen="the decision that made the bad version live is gone", expected="all decisions")
    took = _commit_times(project)[max(bad_after)] - parse_moment(work.started)
    if took > LIMIT:
        minutes = took.total_seconds() / 60
        fail("too-late", seen=f"version {BAD} answered for another {minutes:.0f} minutes", expected="at most 60")


def _is_bad_live(decisions: Sequence[Decision]) -> bool:
    return fold(decisions).champion == BAD


def _commit_times(project: Project) -> list[datetime]:
    """When each decision was stored, by the clock of the machine."""
    log = project.lake_path / DECISIONS.name / "_delta_log"
    times = []
    for path in sorted(log.glob("*.json")):
        entries = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        appended = any(entry.get("txn", {}).get("appId") == DECISIONS.name for entry in entries)
        moment = next((entry["commitInfo"]["timestamp"] for entry in entries if "commitInfo" in entry), None)
        if appended and moment is not None:
            times.append(datetime.fromtimestamp(moment / 1000, UTC))
    return times


def check_answers(work: LabWork) -> None:
    """The good version answers."""
    project, cases = work.open(), _hidden(work.data)
    with serving(project) as client:
        answers = ask(client, [case.request for case in cases])
    refused = [body for status, body in answers if status != 200]
    if refused:
        fail("refused", seen=f"one was refused: {refused[0]['error']['what']}", expected="answers")
    work.check_loss(log_loss([body["output"] for _, body in answers], [case.label for case in cases]), cases)
    if (champion := fold(decisions_of(project)).champion) != GOOD:
        fail("other-version", seen=f"version {champion} answers", expected="the version that answered well before")


def check_packages(work: LabWork) -> None:
    """Each package is whole."""
    project = work.open()
    decisions = decisions_of(project)
    for version in (GOOD, BAD):
        try:
            check_loads(project, decisions, version)
        except MlopsError as error:
            fail("damaged", seen=str(error.what), expected="each file as it was signed")


def check_token(work: LabWork) -> None:
    """Who has read the forum can do nothing."""
    project, case, name = work.open(), _hidden(work.data)[0], work.words["client"]
    new = (work.folder / name / TOKEN_FILE).read_text(encoding="utf-8").strip()
    tokens = {token.name: token for token in list_tokens(project)}
    old = tokens.get(name)
    if old is not None and old.created_at < parse_moment(work.started) + timedelta(seconds=1):
        fail("still-open", seen=f'the token "{name}" of the forum is still accepted', expected="that it is not")
    bodies = {"/v1/predict": case.request, "/v1/outcomes": {"outcomes": [case.outcome]}}
    with ServerProcess(project) as server:
        client = Client(server.address.local_host, server.address.port, token=new, connections=1)
        try:
            status = {path: client.call("POST", path, msgspec.json.encode(body))[0] for path, body in bodies.items()}
        finally:
            client.close()
    if status["/v1/predict"] != 200:
        seen = f"with the token in {name}/{TOKEN_FILE}, a request for a prediction got {status['/v1/predict']}"
        fail("shut-out", seen=seen, expected=f"an answer: {work.words['asker']} must go on")
    if status["/v1/outcomes"] == 200:
        seen = f"with the token in {name}/{TOKEN_FILE}, an outcome was accepted"
        fail("may-too-much", seen=seen, expected="a token that may ask for predictions, and nothing else")


def check_record(work: LabWork) -> None:
    """Nothing is lost, and the rollback says why."""
    project = work.open()
    run_mlops("tick", folder=project.root)
    lake, live = open_lake(project), work.day(PAST_DAYS)
    asked = {case.id for case in _asked(work) if case.at.date() >= live}
    end = live + timedelta(days=LIVE_DAYS)
    known = {case.id for case in _asked(work) if case.at.date() >= live and case.known_at.date() < end}
    for what, table, wanted in (("predictions", PREDICTIONS, asked), ("outcomes", OUTCOMES, known)):
        have = set(table.read(lake, columns=["id"])["id"])
        if lost := len(wanted - have):
            fail(f"{what}-lost", seen=f"{lost} of {len(wanted)} {what} are missing", expected="all of them")
    decisions = decisions_of(project)
    if not any(item.what is DecisionKind.PROMOTE and item.version == BAD for item in decisions):
        fail("decisions-lost", seen="the decision that made the bad version live is gone", expected="all decisions")
    done = run_mlops("history", "--verify", folder=project.root)
    if done.returncode:
        seen = f"`mlops history --verify`: {(done.stdout + done.stderr).strip()[-300:]}"
        fail("not-verified", seen=seen, expected="that it finds nothing wrong")
    reason = next((item.reason for item in reversed(decisions) if item.what is DecisionKind.ROLL_BACK), "")
    if len(reason.split()) < MIN_WORDS or reason == ASKED:
        fail("no-reason", seen=f'the reason of the rollback is "{reason}"', expected="a sentence that says why")


def check_incident(work: LabWork) -> None:
    """The facts of the report."""
    told = work.read_report("incident.toml", expected="the facts")
    project = work.open()
    promoted = [item for item in decisions_of(project) if item.what is DecisionKind.PROMOTE and item.version == BAD]
    if not promoted:
        fail("decisions-lost", seen="the decision that made the bad version live is gone", expected="all decisions")
    predictions = PREDICTIONS.read(open_lake(project), columns=["version"])
    facts: dict[str, Any] = {
        "version": BAD,
        "began": promoted[0].at,
        "predictions": predictions.filter(pl.col("version") == BAD).height,
        "made_live_by": WHO,
        "gate": GATE,
    }
    for name, fact in facts.items():
        if not _is_same(told.get(name), fact):
            seen = f"incident.toml: {name} = {told.get(name)}"
            fail(f"wrong-{name.replace('_', '-')}", seen=seen, expected=f"{name} as the record has it")


def _is_same(told: Any, fact: Any) -> bool:
    if isinstance(fact, datetime):
        at = told.replace(tzinfo=told.tzinfo or UTC) if isinstance(told, datetime) else None
        return at is not None and abs(at - fact) < timedelta(minutes=1)
    return bool(told == fact)


def check_guarded(work: LabWork) -> None:
    """The gates refuse a candidate like the bad one."""
    project = work.open()
    if _is_bad_live(decisions_of(project)):
        fail(
            "not-refused", seen=f"version {BAD} answers: nothing better is there to compare with", expected="a refusal"
        )
    make_simpler(project.root)
    before = decisions_of(project)
    done = run_mlops("validate", "--json", folder=project.root)
    assert decisions_of(project) == before
    if done.returncode == 0:
        seen = "with today's settings, a candidate like the bad one passes all gates"
        fail("not-refused", seen=seen, expected="that a gate refuses it")
    if done.returncode != 1:
        fail("not-run", seen=f"`mlops validate`: {done.stderr.strip()[-300:]}", expected="a verdict")


CHECKS = {
    "in-time": check_in_time,
    "answers": check_answers,
    "packages": check_packages,
    "token": check_token,
    "record": check_record,
    "incident": check_incident,
    "guarded": check_guarded,
}
