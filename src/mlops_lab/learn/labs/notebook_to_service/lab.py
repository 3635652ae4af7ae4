"""The lab `notebook-to-service`: a notebook and its data, and how the project that is made of them behaves."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import polars as pl

from mlops_lab.learn.checking import fail
from mlops_lab.learn.labs.data.cases import Case, LabData, Request, known_before, write_cases, write_days
from mlops_lab.learn.labs.data.layout import Layout, Needs
from mlops_lab.learn.labs.data.words import fill_words, words_of
from mlops_lab.learn.labs.git import check_repository
from mlops_lab.learn.labs.project import find_max_loss, make_project, train
from mlops_lab.learn.labs.scores import log_loss
from mlops_lab.learn.labs.work import LabWork, ask, require_champion, run_mlops, serving
from mlops_lab.project import Project
from mlops_lab.tables.declared import MEASUREMENTS
from mlops_lab.tables.open_lake import open_lake

PAST_DAYS, NEW_DAYS, HIDDEN_DAYS = 21, 10, 1
NEEDS = Needs(days=PAST_DAYS + NEW_DAYS + HIDDEN_DAYS, per_day=360, min_per_day=150)
MIN_LOGGED, MIN_DAYS = 200, 7
_CELLS = (
    ("markdown", "# {question}\n\n(Ida, for the Monday meeting)"),
    (
        "code",
        "import pandas as pd\n\nrows = pd.read_csv('{rows}.csv').dropna()\n"
        "X = pd.get_dummies(rows.drop(columns=['{id}', '{time}', 'known_at', '{label}']))\n"
        "y = rows['{label}'] == 'yes'",
    ),
    (
        "code",
        "from sklearn.ensemble import RandomForestClassifier\n\n"
        "model = RandomForestClassifier().fit(X, y)\n"
        "some = X.sample(500).index\n"
        "print(f'{model.score(X.loc[some], y.loc[some]):.0%} right')  # 98 %!",
    ),
)


def start(folder: Path, data: LabData) -> float:
    """The notebook, the rows of the past, and the days after it."""
    layout, cases = data.layout, data.cases(0, PAST_DAYS + NEW_DAYS)
    words, first_new = words_of(layout), layout.day(PAST_DAYS)
    past = known_before((case for case in cases if case.at.date() < first_new), first_new)
    new = [case for case in cases if case.at.date() >= first_new]
    write_cases(folder / f"{words['rows']}.csv", past, [*layout.columns, layout.leak])
    write_days(folder / "days", new, name=words["rows"], first=first_new, days=NEW_DAYS)
    notebook = json.dumps(_notebook(layout), indent=1, ensure_ascii=False)
    (folder / f"{words['notebook']}.ipynb").write_text(notebook, encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="mlops-lab-") as scratch:  # how good may a model be?
        root = Path(scratch, "project")
        make_project(root, past, layout)
        train(root, layout)
        return find_max_loss(root, _hidden(data))


def _hidden(data: LabData) -> list[Case]:
    """Rows that the learner has not seen, of the day after theirs."""
    return data.hidden(PAST_DAYS + NEW_DAYS, HIDDEN_DAYS)


def _notebook(layout: Layout) -> dict[str, Any]:
    empty: dict[str, Any] = {"execution_count": None, "outputs": []}
    cells = [
        {"cell_type": kind, "id": f"c{n}", "metadata": {}, "source": fill_words(text, layout)}
        | (empty if kind == "code" else {})
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
    good, number = _hidden_requests(work.data)[:60], work.data.layout.numbers[0]
    with serving(project) as client:
        for request, (status, body) in zip(good, ask(client, good), strict=True):
            if status != 200:
                seen = f"{json.dumps(request, ensure_ascii=False)} got {status}: {body['error']['what']}"
                where = body["error"].get("where") or ""
                fail(
                    "refused-good",
                    seen=f"{seen} ({where})",
                    expected=f"an answer: {work.words['asker']} sends such requests",
                )
            if not isinstance(body["output"], float):
                fail(
                    "no-probability",
                    seen=f"the answer {body['output']}",
                    expected=f"a probability of {work.data.layout.label}",
                )
        nonsense = {**good[-1], "id": "nonsense-1", number: "three"}
        if ask(client, [nonsense])[0][0] == 200:
            fail("took-nonsense", seen=f'{number} = "three" got an answer', expected="an error that names the field")


def check_quality(work: LabWork) -> None:
    """The answers are nearly as good as they can be."""
    hidden = _hidden(work.data)
    with serving(work.open()) as client:
        answers = ask(client, (case.request for case in hidden))
    if refused := [body for status, body in answers if status != 200]:
        fail("refused", seen=f"one was refused: {refused[0]['error']['what']}", expected="answers")
    work.check_loss(log_loss([body["output"] for _, body in answers], [case.label for case in hidden]), hidden)


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
        fail(
            "no-groups",
            seen=seen,
            expected=f"measurements of each {work.data.layout.group} (or another group), on a day at least",
        )


def check_history(work: LabWork) -> None:
    """The repository is complete, clean, and works elsewhere."""
    check_repository(work)


def _measured_days(project: Project, monitors: list[str]) -> int:
    lake = open_lake(project)
    if not MEASUREMENTS.exists(lake):
        return 0
    return MEASUREMENTS.read(lake).filter(pl.col("monitor").is_in(monitors))["at"].n_unique()


def _hidden_requests(data: LabData) -> list[dict[str, Any]]:
    """Requests that a client may send: hidden rows, some with gaps and new values."""
    layout, requests = data.layout, [case.request for case in _hidden(data)]
    gaps: tuple[Request, ...] = (
        {layout.numbers[0]: None},
        {layout.group: "Fahrradkurier"},
        {layout.spoiled_texts[0].name: None},
        {layout.key: "C-999"},
    )
    return [{**request, **gap} for request, gap in zip(requests, gaps, strict=False)] + requests[len(gaps) :]


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
