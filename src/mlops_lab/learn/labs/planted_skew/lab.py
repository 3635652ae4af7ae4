"""The lab `planted-skew`: days that were answered with wrong inputs, and whether that was found and repaired."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any

from mlops_lab.learn.checking import fail
from mlops_lab.learn.labs.data.cases import Case, LabData, Request, known_before
from mlops_lab.learn.labs.data.layout import Needs, NumberField
from mlops_lab.learn.labs.data.words import words_of
from mlops_lab.learn.labs.days import play_days
from mlops_lab.learn.labs.planted_skew.skews import (
    LIVE_DAYS,
    PAST_DAYS,
    Skew,
    ask_as_then,
    make_cart,
    plan_skews,
    write_carts,
    write_client,
)
from mlops_lab.learn.labs.project import find_max_loss, make_project, train
from mlops_lab.learn.labs.scores import log_loss
from mlops_lab.learn.labs.work import LabWork, ask, run_program, serving, variables

HIDDEN_DAYS = 3
NEEDS = Needs(days=PAST_DAYS + LIVE_DAYS + HIDDEN_DAYS, per_day=120, min_per_day=60)
_CALL = """import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("client", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
json.dump([module.make_request(cart) for cart in json.load(open(sys.argv[2]))], open(sys.argv[3], "w"))
"""


def start(folder: Path, data: LabData) -> float:
    """A project that was answered rightly for some days, then wrongly; and the program that asked it."""
    layout, cases = data.layout, data.cases(0, PAST_DAYS + LIVE_DAYS)
    words, live, skews = words_of(layout), layout.day(PAST_DAYS), plan_skews(layout)
    root = folder / words["project"]
    make_project(root, known_before(cases, live), layout)
    train(root, layout)
    max_loss = find_max_loss(root, _hidden(data))
    play_days(root, cases, first=live, days=LIVE_DAYS, make_request=lambda case: ask_as_then(case, skews))
    client = folder / words["client"]
    client.mkdir()
    write_client(client / f"{words['program']}.py", layout, {skew.name for skew in skews})
    write_carts(client / f"{words['cart']}s.md", layout)
    return max_loss


def _hidden(data: LabData) -> list[Case]:
    return data.hidden(PAST_DAYS + LIVE_DAYS, HIDDEN_DAYS)


def _planned(work: LabWork) -> tuple[Skew, Skew]:
    return plan_skews(work.data.layout)


def _program(work: LabWork) -> Path:
    """The learner's program that makes requests."""
    return work.folder / work.words["client"] / f"{work.words['program']}.py"


def check_fields(work: LabWork) -> None:
    """The fields, and no others."""
    found, true = set(_read_finding(work)), {skew.name for skew in _planned(work)}
    if extra := found - true:
        seen = f"finding.toml names {', '.join(sorted(extra))}"
        fail("wrong-field", seen=seen, expected="only fields that are sent otherwise than they were learned")
    if missing := len(true - found):
        seen = f"finding.toml names {len(found)} of them; {missing} more is sent otherwise than it was learned"
        fail("field-missing", seen=seen, expected="each field that is sent otherwise")


def check_days(work: LabWork) -> None:
    """The first day of each."""
    finding = _read_finding(work)
    for skew in _planned(work):
        since = finding[skew.name].get("since")
        day = since.date() if isinstance(since, datetime) else since
        if not isinstance(day, date):
            fail("no-day", seen=f"{skew.name}: since is {since!r}", expected="a day, such as since = 2025-04-01")
        if day != skew.since:
            when = "early" if day < skew.since else "late"
            seen = f"{skew.name}: since {day} is too {when}"
            fail("wrong-day", seen=seen, expected="the first day on which it was sent otherwise (UTC)")


def check_harm(work: LabWork) -> None:
    """The number of predictions with a wrong value."""
    finding, live = _read_finding(work), work.data.cases(PAST_DAYS, LIVE_DAYS)
    for skew in _planned(work):
        asked = [case.request for case in live if case.at.date() >= skew.since]
        wrong = sum(skew.change(request) != request for request in asked)
        told = finding[skew.name].get("predictions")
        if told != wrong:
            seen = f"{skew.name}: predictions = {told}"
            fail("wrong-count", seen=seen, expected="the number of predictions with a wrong value of this field")


def _read_finding(work: LabWork) -> dict[str, dict[str, Any]]:
    """The parts of finding.toml by field."""
    path = work.folder / "finding.toml"
    if not path.is_file():
        fail("no-finding", seen="there is no finding.toml", expected="a file finding.toml beside README.md")
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8")).get("skew", [])
        return {row["field"]: row for row in rows}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        fail("bad-finding", seen=f"finding.toml: {error}", expected="[[skew]] tables, as README.md shows them")


def check_repaired(work: LabWork) -> None:
    """The requests are those that were learned."""
    cases = _hidden(work.data)
    for case, made in zip(cases, _make_requests(work, cases), strict=True):
        right = case.request
        for name, value in right.items():
            given = made.get(name)
            same = abs(given - value) < 1e-6 if _is_number(given) and _is_number(value) else given == value
            if not same:
                seen = f"{json.dumps(make_cart(case), ensure_ascii=False)} became {name} = {given!r}"
                fail("wrong-request", seen=seen, expected=f"{name} as it was learned for such a row")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _make_requests(work: LabWork, cases: Iterable[Case]) -> list[Request]:
    """What the learner's program makes of what the client has of these rows, in a process of its own."""
    program = _program(work)
    carts, made = work.scratch / "carts.json", work.scratch / "requests.json"
    carts.write_text(json.dumps([make_cart(case) for case in cases]), encoding="utf-8")
    done = run_program(sys.executable, "-c", _CALL, program, carts, made, folder=program.parent, timeout_seconds=60)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no words"])[-1]
        fail("raised", seen=f"make_request: {last}", expected="a request for each")
    requests: list[Request] = json.loads(made.read_text(encoding="utf-8"))
    return requests


def check_tested(work: LabWork) -> None:
    """The tests pass, and fail with each fault."""
    client, layout = work.words["client"], work.data.layout
    done = _run_tests(work)
    if done.returncode == 5:
        fail(
            "no-tests",
            seen=f"`python -m pytest` in {client} finds no tests",
            expected=f"tests of {_program(work).name}",
        )
    if done.returncode:
        seen = f"`python -m pytest` in {client}: {done.stdout.strip()[-300:]}"
        fail("tests-fail", seen=seen, expected="that they pass with your program")
    for skew in _planned(work):
        write_client(_program(work), layout, {skew.name})
        if _run_tests(work).returncode == 0:
            seen = "one of the faults of release 4.2 was put back, and your tests pass all the same"
            fail("tests-blind", seen=seen, expected="that they fail with each of its faults")
    write_client(_program(work), layout, set())
    if (done := _run_tests(work)).returncode:
        seen = f"with another program that is right, your tests fail: {done.stdout.strip()[-300:]}"
        fail("tests-narrow", seen=seen, expected="tests of what make_request returns, not of how")


def _run_tests(work: LabWork) -> Any:
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    env = variables(PYTHONDONTWRITEBYTECODE="1")
    return run_program(*command, folder=_program(work).parent, env=env, timeout_seconds=120)


def check_guarded(work: LabWork) -> None:
    """The server refuses requests of release 4.2, and no good ones."""
    project, layout = work.open(), work.data.layout
    good = [case.request for case in _hidden(work.data)]
    gaps = dict.fromkeys(item.name for item in layout.spoiled)
    good.append({**good[0], "id": "gaps", **gaps})
    with serving(project) as client:
        for request, (status, body) in zip(good, ask(client, good), strict=True):
            if status != 200:
                seen = f"{json.dumps(request, ensure_ascii=False)} got {status}: {body['error']['what']}"
                fail("refused-good", seen=seen, expected="an answer")
        for skew in _planned(work):
            wrong = [skew.change(request) for request in good[:-1] if skew.change(request) != request]
            sent = [{**request, "id": f"bad-{n}"} for n, request in enumerate(wrong)]
            if isinstance(skew.field, NumberField):  # what is smaller could be right
                sent = [request for request in sent if request[skew.name] > 2 * skew.field.high]
            took = [request for request, (status, _) in zip(sent, ask(client, sent), strict=True) if status == 200]
            if took:
                seen = f"{skew.name} = {took[0][skew.name]!r} got an answer ({len(took)} of {len(sent)} wrong requests)"
                fail("took-wrong", seen=seen, expected="an error that names the field")


def check_answers(work: LabWork) -> None:
    """The answers are good again."""
    cases = _hidden(work.data)
    with serving(work.open()) as client:
        answers = ask(client, _make_requests(work, cases))
    refused = [body for status, body in answers if status != 200]
    if refused:
        fail("refused", seen=f"{len(refused)} requests were refused: {refused[0]['error']['what']}", expected="answers")
    work.check_loss(log_loss([body["output"] for _, body in answers], [case.label for case in cases]), cases)


CHECKS = {
    "fields": check_fields,
    "days": check_days,
    "harm": check_harm,
    "repaired": check_repaired,
    "tested": check_tested,
    "guarded": check_guarded,
    "answers": check_answers,
}
