"""The lab `planted-skew`: days that were answered with wrong inputs, and whether that was found and repaired."""

from __future__ import annotations

import json
import shutil
import sys
import tomllib
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from mlops_lab.learn.checking import fail
from mlops_lab.learn.labs.days import play_days
from mlops_lab.learn.labs.orders import FIRST_DAY, Order, Request, make_orders
from mlops_lab.learn.labs.planted_skew.skews import (
    LIVE_DAYS,
    PAST_DAYS,
    PER_DAY,
    ask_as_then,
    make_cart,
    plan_skews,
    write_checkout,
)
from mlops_lab.learn.labs.project import make_shop, train
from mlops_lab.learn.labs.scores import log_loss
from mlops_lab.learn.labs.work import LabWork, ask, run_program, serving, variables

_START = Path(__file__).parent / "start"
_PROGRAM = "checkout.py"
_GREATEST = {"weight_kg": 60, "price": 5_000}
"""What the story says of parcels and orders."""
MAX_LOSS = 0.42
"""Of right answers to the hidden orders; those with a fault are above 0.5, and a constant one has 0.6."""
_CALL = """import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("checkout", "checkout.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
json.dump([module.make_request(cart) for cart in json.load(open(sys.argv[1]))], open(sys.argv[2], "w"))
"""


def start(folder: Path, *, seed: int) -> None:
    """A project that was answered rightly for some days, then wrongly; and the program that asked it."""
    orders = make_orders(seed=seed, days=PAST_DAYS + LIVE_DAYS, per_day=PER_DAY)
    live = FIRST_DAY + timedelta(days=PAST_DAYS)
    skews = plan_skews(seed)
    make_shop(folder / "shop", (order for order in orders if order.known_at.date() < live))
    train(folder / "shop")
    play_days(folder / "shop", orders, first=live, days=LIVE_DAYS, make_request=lambda order: ask_as_then(order, skews))
    webshop = folder / "webshop"
    webshop.mkdir()
    write_checkout(webshop / _PROGRAM, _template(), {skew.field for skew in skews})
    shutil.copy(_START / "carts.md", webshop)


def _template() -> str:
    return (_START / "checkout.py.txt").read_text(encoding="utf-8")


def _hidden(work: LabWork) -> list[Order]:
    first = FIRST_DAY + timedelta(days=PAST_DAYS + LIVE_DAYS)
    return make_orders(seed=work.seed + 1, days=3, per_day=PER_DAY, first=first, prefix="H")


def check_fields(work: LabWork) -> None:
    """The fields, and no others."""
    found, true = set(_read_finding(work)), {skew.field for skew in plan_skews(work.seed)}
    if extra := found - true:
        seen = f"finding.toml names {', '.join(sorted(extra))}"
        fail("wrong-field", seen=seen, expected="only fields that are sent otherwise than they were learned")
    if missing := len(true - found):
        seen = f"finding.toml names {len(found)} of them; {missing} more is sent otherwise than it was learned"
        fail("field-missing", seen=seen, expected="each field that is sent otherwise")


def check_days(work: LabWork) -> None:
    """The first day of each."""
    finding = _read_finding(work)
    for skew in plan_skews(work.seed):
        since = finding[skew.field].get("since")
        day = since.date() if isinstance(since, datetime) else since
        if not isinstance(day, date):
            fail("no-day", seen=f"{skew.field}: since is {since!r}", expected="a day, such as since = 2025-04-01")
        if day != skew.since:
            when = "early" if day < skew.since else "late"
            seen = f"{skew.field}: since {day} is too {when}"
            fail("wrong-day", seen=seen, expected="the first day on which it was sent otherwise (UTC)")


def check_harm(work: LabWork) -> None:
    """The number of predictions with a wrong value."""
    finding, live = _read_finding(work), FIRST_DAY + timedelta(days=PAST_DAYS)
    orders = make_orders(seed=work.seed, days=PAST_DAYS + LIVE_DAYS, per_day=PER_DAY)
    for skew in plan_skews(work.seed):
        asked = [order.request for order in orders if order.at.date() >= max(live, skew.since)]
        wrong = sum(skew.change(request) != request for request in asked)
        told = finding[skew.field].get("predictions")
        if told != wrong:
            seen = f"{skew.field}: predictions = {told}"
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
    orders = _hidden(work)
    for order, made in zip(orders, _make_requests(work, orders), strict=True):
        right = order.request
        for name, value in right.items():
            given = made.get(name)
            same = abs(given - value) < 1e-6 if _is_number(given) and _is_number(value) else given == value
            if not same:
                seen = f"the cart {json.dumps(make_cart(order), ensure_ascii=False)} became {name} = {given!r}"
                fail("wrong-request", seen=seen, expected=f"{name} as it is in shop/data/orders.csv for such an order")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _make_requests(work: LabWork, orders: Iterable[Order]) -> list[Request]:
    """What the learner's program makes of the carts of these orders, in a process of its own."""
    carts, made = work.scratch / "carts.json", work.scratch / "requests.json"
    carts.write_text(json.dumps([make_cart(order) for order in orders]), encoding="utf-8")
    done = run_program(sys.executable, "-c", _CALL, carts, made, folder=work.folder / "webshop", timeout_seconds=60)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no words"])[-1]
        fail("raised", seen=f"make_request: {last}", expected="a request for each cart")
    requests: list[Request] = json.loads(made.read_text(encoding="utf-8"))
    return requests


def check_tested(work: LabWork) -> None:
    """The tests pass, and fail with each fault."""
    done = _run_tests(work)
    if done.returncode == 5:
        fail("no-tests", seen="`python -m pytest` in webshop finds no tests", expected="tests of checkout.py")
    if done.returncode:
        seen = f"`python -m pytest` in webshop: {done.stdout.strip()[-300:]}"
        fail("tests-fail", seen=seen, expected="that they pass with your program")
    for skew in plan_skews(work.seed):
        write_checkout(work.folder / "webshop" / _PROGRAM, _template(), {skew.field})
        if _run_tests(work).returncode == 0:
            seen = "one of the faults of release 4.2 was put back, and your tests pass all the same"
            fail("tests-blind", seen=seen, expected="that they fail with each of its faults")
    write_checkout(work.folder / "webshop" / _PROGRAM, _template(), set())
    if (done := _run_tests(work)).returncode:
        seen = f"with another program that is right, your tests fail: {done.stdout.strip()[-300:]}"
        fail("tests-narrow", seen=seen, expected="tests of what make_request returns, not of how")


def _run_tests(work: LabWork) -> Any:
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    env = variables(PYTHONDONTWRITEBYTECODE="1")
    return run_program(*command, folder=work.folder / "webshop", env=env, timeout_seconds=120)


def check_guarded(work: LabWork) -> None:
    """The server refuses requests of release 4.2, and no good ones."""
    project, orders = work.open(), _hidden(work)
    good = [order.request for order in orders]
    good.append({**good[0], "id": "gaps", "weight_kg": None, "price": None, "city": None})
    with serving(project) as client:
        for request, (status, body) in zip(good, ask(client, good), strict=True):
            if status != 200:
                seen = f"{json.dumps(request, ensure_ascii=False)} got {status}: {body['error']['what']}"
                fail("refused-good", seen=seen, expected="an answer")
        for skew in plan_skews(work.seed):
            wrong = [skew.change(request) for request in good[:-1] if skew.change(request) != request]
            sent = [{**request, "id": f"bad-{n}"} for n, request in enumerate(wrong)]
            if limit := _GREATEST.get(skew.field):  # what is smaller could be right
                sent = [request for request in sent if request[skew.field] > 2 * limit]
            took = [request for request, (status, _) in zip(sent, ask(client, sent), strict=True) if status == 200]
            if took:
                seen = (
                    f"{skew.field} = {took[0][skew.field]!r} got an answer ({len(took)} of {len(sent)} wrong requests)"
                )
                fail("took-wrong", seen=seen, expected="an error that names the field")


def check_answers(work: LabWork) -> None:
    """The answers are good again."""
    orders = _hidden(work)
    with serving(work.open()) as client:
        answers = ask(client, _make_requests(work, orders))
    refused = [body for status, body in answers if status != 200]
    if refused:
        fail("refused", seen=f"{len(refused)} requests were refused: {refused[0]['error']['what']}", expected="answers")
    loss = log_loss([body["output"] for _, body in answers], [order.late for order in orders])
    if loss > MAX_LOSS:
        seen = f"a log loss of {loss:.3f} on {len(orders)} orders of the next days"
        fail("still-bad", seen=seen, expected=f"at most {MAX_LOSS}, as in the first days")


CHECKS = {
    "fields": check_fields,
    "days": check_days,
    "harm": check_harm,
    "repaired": check_repaired,
    "tested": check_tested,
    "guarded": check_guarded,
    "answers": check_answers,
}
