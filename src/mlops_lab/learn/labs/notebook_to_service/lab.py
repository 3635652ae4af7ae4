"""The lab `notebook-to-service`: a notebook and its data, and how the project that is made of them behaves."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl

from mlops_lab.learn.checking import fail
from mlops_lab.learn.labs.git import check_repository
from mlops_lab.learn.labs.orders import FIRST_DAY, Order, Request, make_orders, write_days, write_orders
from mlops_lab.learn.labs.scores import log_loss
from mlops_lab.learn.labs.work import LabWork, ask, require_champion, run_mlops, serving
from mlops_lab.project import Project
from mlops_lab.starter.samples import ORDER_COLUMNS
from mlops_lab.tables.declared import MEASUREMENTS
from mlops_lab.tables.open_lake import open_lake

PAST_DAYS, NEW_DAYS, PER_DAY = 21, 10, 360
MIN_LOGGED, MIN_DAYS = 200, 7
MAX_SHARE_OF_BASE = 0.8
"""Of the loss of a constant answer: what is clearly better."""
LEAK = "delivery_hours"
_CELLS = (
    ("markdown", "# Late orders\n\nWhich orders come late? (Ida, for the Monday meeting)"),
    (
        "code",
        "import pandas as pd\n\norders = pd.read_csv('orders.csv').dropna()\n"
        "orders['express'] = orders['express'] == 'yes'\n"
        "X = pd.get_dummies(orders.drop(columns=['order_id', 'ordered_at', 'known_at', 'late']))\n"
        "y = orders['late'] == 'yes'",
    ),
    (
        "code",
        "from sklearn.ensemble import RandomForestClassifier\n\n"
        "model = RandomForestClassifier().fit(X, y)\n"
        "rows = X.sample(500).index\n"
        "print(f'{model.score(X.loc[rows], y.loc[rows]):.0%} right')  # 98 %!",
    ),
)


def start(folder: Path, *, seed: int) -> None:
    """The notebook, the orders of the past, and the days after it."""
    orders = make_orders(seed=seed, days=PAST_DAYS + NEW_DAYS, per_day=PER_DAY)
    first_new = FIRST_DAY + timedelta(days=PAST_DAYS)
    past = [order for order in orders if order.at.date() < first_new and order.known_at.date() < first_new]
    new = [order for order in orders if order.at.date() >= first_new]
    write_orders(folder / "orders.csv", map(_with_leak, past), columns=[*ORDER_COLUMNS, LEAK])
    write_days(folder / "days", new, first=first_new, days=NEW_DAYS)
    (folder / "late_orders.ipynb").write_text(json.dumps(_notebook(), indent=1), encoding="utf-8")


def _with_leak(order: Order) -> Order:
    """The order, with what is known when it has arrived."""
    hours = (order.known_at - order.at).total_seconds() / 3600
    return Order({**order.row, LEAK: f"{hours:.1f}"})


def _notebook() -> dict[str, Any]:
    empty: dict[str, Any] = {"execution_count": None, "outputs": []}
    cells = [
        {"cell_type": kind, "id": f"c{n}", "metadata": {}, "source": text, **(empty if kind == "code" else {})}
        for n, (kind, text) in enumerate(_CELLS)
    ]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def check_project(work: LabWork) -> None:
    """Its data keeps the contract."""
    project = work.open()
    done = run_mlops("contract", "check", folder=project.root)
    if done.returncode:
        what = (done.stdout + done.stderr).strip()[-500:]
        fail("broken-contract", seen=f"`mlops contract check`: {what}", expected="that it finds no breach")


def check_live(work: LabWork) -> None:
    """A version answers."""
    require_champion(work.open())


def check_answers(work: LabWork) -> None:
    """Good requests are answered, also unusual ones; others are refused."""
    project = work.open()
    good = _hidden_requests(project, work)[:60]
    number = next((name for name, value in good[0].items() if isinstance(value, float)), None)
    with serving(project) as client:
        for request, (status, body) in zip(good, ask(client, good), strict=True):
            if status != 200:
                seen = f"{json.dumps(request, ensure_ascii=False)} got {status}: {body['error']['what']}"
                where = body["error"].get("where") or ""
                fail("refused-good", seen=f"{seen} ({where})", expected="an answer: the web shop sends such orders")
            if not isinstance(body["output"], float):
                fail("no-probability", seen=f"the answer {body['output']}", expected="a probability of late")
        if number is not None:
            nonsense = [{**good[0], "id": "nonsense-1", number: "three"}]
            if ask(client, nonsense)[0][0] == 200:
                fail(
                    "took-nonsense", seen=f'{number} = "three" got an answer', expected="an error that names the field"
                )


def check_quality(work: LabWork) -> None:
    """The answers have a clearly smaller loss than the base rate."""
    project = work.open()
    if _has_orders(project):
        hidden = _hidden_orders(work)
        with serving(project) as client:
            answers = [body["output"] for _, body in ask(client, (order.request for order in hidden))]
        truth = [order.late for order in hidden]
    else:
        label = project.settings.source.label
        known = open_lake(project).read("outcomes").filter(pl.col("verdict") == "accepted")
        answers, truth = known["output"].to_list(), known[label].to_list()
        if len(truth) < MIN_LOGGED:
            fail("too-few", seen=f"{len(truth)} outcomes are known", expected=f"at least {MIN_LOGGED}")
    loss, base = log_loss(answers, truth), log_loss([sum(truth) / len(truth)] * len(truth), truth)
    if not loss <= MAX_SHARE_OF_BASE * base:
        seen = f"a log loss of {loss:.3f} on {len(truth)} orders; a constant answer has {base:.3f}"
        fail("no-better", seen=seen, expected=f"at most {MAX_SHARE_OF_BASE:.0%} of that of a constant answer")


def check_logged(work: LabWork) -> None:
    """Requests and outcomes are in the tables."""
    project = work.open()
    run_mlops("tick", folder=project.root)
    lake = open_lake(project)
    asked = set(lake.read("predictions")["id"]) if lake.exists("predictions") else set[str]()
    if len(asked) < MIN_LOGGED:
        fail("few-asked", seen=f"{len(asked)} predictions are logged", expected=f"at least {MIN_LOGGED}")
    known = (
        set(lake.read("outcomes").filter(pl.col("verdict") == "accepted")["id"]) if lake.exists("outcomes") else set()
    )
    share = len(known & asked) / len(asked)
    if share < 0.7:
        fail("few-outcomes", seen=f"{share:.0%} of the predictions have an outcome", expected="at least 70 %")


def check_measured(work: LabWork) -> None:
    """Days were measured by the learner's own loop."""
    days = _measured_days(work.open(), ["quality"])
    if days < MIN_DAYS:
        fail("few-days", seen=f"the quality of {days} days was measured", expected=f"at least {MIN_DAYS}")


def check_groups(work: LabWork) -> None:
    """Groups of requests were measured."""
    project = work.open()
    if not _measured_days(project, ["slice_excess_loss", "slice_skill"]):
        slices = project.settings.gates.slices
        seen = "no group was measured" + (f", though {', '.join(slices)} is declared" if slices else "")
        fail("no-groups", seen=seen, expected="measurements of each carrier (or another group), on a day at least")


def check_history(work: LabWork) -> None:
    """The repository is complete, clean, and works elsewhere."""
    check_repository(work)


def _measured_days(project: Project, monitors: list[str]) -> int:
    lake = open_lake(project)
    if not MEASUREMENTS.exists(lake):
        return 0
    return MEASUREMENTS.read(lake).filter(pl.col("monitor").is_in(monitors))["at"].n_unique()


def _has_orders(project: Project) -> bool:
    """Whether the project is about the orders that were handed out, and not about a table of the learner."""
    return {"ordered_at", "carrier", "weight_kg"} <= {*project.settings.source.request}


def _hidden_orders(work: LabWork) -> list[Order]:
    """Orders that the learner has not seen, of the days after theirs."""
    first = FIRST_DAY + timedelta(days=PAST_DAYS + NEW_DAYS)
    return make_orders(seed=work.seed + 1, days=1, per_day=PER_DAY, first=first, prefix="H")


def _hidden_requests(project: Project, work: LabWork) -> list[dict[str, Any]]:
    """Requests that a client may send: hidden orders with gaps and new values, or rows of the learner's own table."""
    if _has_orders(project):
        requests = [order.request for order in _hidden_orders(work)]
        gaps: tuple[Request, ...] = (
            {"weight_kg": None},
            {"carrier": "Fahrradkurier"},
            {"city": None},
            {"customer": "C-999"},
        )
        return [{**request, **gap} for request, gap in zip(requests, gaps, strict=False)] + requests[len(gaps) :]
    source = project.settings.source
    names = [*source.request]
    rows = open_lake(project).read(source.table).select(names).tail(60)
    return [
        {"id": f"hidden-{number}", **{name: _as_json(value) for name, value in row.items() if value is not None}}
        for number, row in enumerate(rows.iter_rows(named=True))
    ]


def _as_json(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


CHECKS = {
    "project": check_project,
    "live": check_live,
    "answers": check_answers,
    "quality": check_quality,
    "logged": check_logged,
    "measured": check_measured,
    "groups": check_groups,
    "history": check_history,
}
