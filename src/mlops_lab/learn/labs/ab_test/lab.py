"""The lab `ab-test`: two versions, two weeks, and whether the test between them can be believed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from mlops_lab.learn.checking import fail
from mlops_lab.learn.labs.data.cases import LabData, known_before, write_days
from mlops_lab.learn.labs.data.layout import Needs
from mlops_lab.learn.labs.data.words import words_of
from mlops_lab.learn.labs.project import BACKTEST, make_project, make_simpler, must_run, train
from mlops_lab.learn.labs.work import LabWork, decisions_of, run_mlops
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import AB_WINNER, Decision, DecisionKind, fold
from mlops_lab.tables.declared import OUTCOMES, PREDICTIONS
from mlops_lab.tables.open_lake import open_lake

PAST_DAYS, TEST_DAYS = 35, 14
OLD, NEW = 1, 2
MIN_KEYS, MIN_DAYS, MAX_ALPHA = 20, 5, 0.05
THRESHOLD, RIGHT, WRONG = 0.5, 4.0, -6.0
TOLERANCE = 0.1
NEEDS = Needs(days=PAST_DAYS + TEST_DAYS, per_day=120, min_per_day=60, keys=3 * MIN_KEYS)
"""In EUR: the answers of a day that is not over are in one of the two means only."""
_HURRY = """[backtest]
days = 7

[ab]
unit = "EUR"
true_positive = 4
alpha = 0.5
history_days = 0
"""


def start(folder: Path, data: LabData) -> None:
    """Version 1 answers, version 2 has passed its gates; the settings are those of somebody in a hurry."""
    layout = data.layout
    root, live = folder / words_of(layout)["project"], layout.day(PAST_DAYS)
    past = known_before(data.cases(0, PAST_DAYS), live)
    edits = {BACKTEST: _HURRY, f'key = "{layout.key}"': f'key = "{layout.coarse_key}"'}
    make_project(root, past, layout, edits=edits)
    whole = make_simpler(root)
    train(root, layout)
    (root / "pipeline.py").write_text(whole, encoding="utf-8")
    train(root, layout)
    must_run("rollout", "abort", "--reason", "it is to prove itself in an A/B test", folder=root)
    cases = data.cases(0, PAST_DAYS + TEST_DAYS)
    write_days(
        folder / "days",
        [case for case in cases if case.at.date() >= live],
        name=words_of(layout)["rows"],
        first=live,
        days=TEST_DAYS,
    )


def _find_test(project: Project) -> tuple[datetime, Decision | None]:
    """When the last test with the new version began, and the decision that ended it (None: none yet)."""
    began, ended = None, None
    for decision in decisions_of(project):
        if decision.what is DecisionKind.AB_START:
            began, ended = decision.at, None
        elif began is not None and ended is None:
            is_end = decision.what is DecisionKind.AB_STOP or decision.rule == AB_WINNER
            ended = decision if is_end else None
    if began is None:
        fail("no-test", seen="no A/B test was started", expected=f"one between the versions {OLD} and {NEW}")
    return began, ended


def _answers(project: Project) -> pl.DataFrame:
    """The predictions of the test."""
    began, ended = _find_test(project)
    run_mlops("tick", folder=project.root)
    lake = open_lake(project)
    if not PREDICTIONS.exists(lake):
        fail("no-answers", seen="nothing was asked about during the test", expected="all rows of its days")
    until = ended.at if ended else datetime.max.replace(tzinfo=began.tzinfo)
    return PREDICTIONS.read(lake).filter(pl.col("at") >= began, pl.col("at") <= until)


def check_key(work: LabWork) -> None:
    """Whoever is asked about meets one version."""
    answers, key, people = _answers(work.open()), work.data.layout.key, work.words["people"]
    met = answers.group_by(key).agg(pl.col("version").n_unique())
    if crossed := met.filter(pl.col("version") > 1).height:
        fail("met-both", seen=f"{crossed} of {met.height} {people} met both versions", expected="none")
    for version in (OLD, NEW):
        keys = answers.filter(pl.col("version") == version)[key].n_unique()
        if keys < MIN_KEYS:
            seen = f"version {version} met {keys} {people}"
            fail("few-keys", seen=seen, expected=f"at least {MIN_KEYS} for each version")


def check_share(work: LabWork) -> None:
    """The new version answers enough of them, and not most."""
    answers, key = _answers(work.open()), work.data.layout.key
    share = answers.filter(pl.col("version") == NEW)[key].n_unique() / answers[key].n_unique()
    if not 0.15 <= share <= 0.6:  # what was asked for, and what chance adds
        fail("wrong-share", seen=f"version {NEW} met {share:.0%} of all", expected="a fifth to a half")


def check_whole_days(work: LabWork) -> None:
    """All rows of the days of the test were asked about, and outcomes came when they were known."""
    project = work.open()
    answers, (_, ended), rows = _answers(project), _find_test(project), work.words["rows"]
    live = work.day(PAST_DAYS)
    last = answers["at"].max()
    assert isinstance(last, datetime)
    days = (last.date() - live).days + 1
    if days < MIN_DAYS:
        fail("few-days", seen=f"the test ran on {days} days", expected=f"at least {MIN_DAYS}")
    cases = work.data.cases(0, PAST_DAYS + TEST_DAYS)
    wanted = {case.id for case in cases if live <= case.at.date() <= last.date()}
    if missing := len(wanted - set(answers["id"])):
        seen = f"{missing} of the {len(wanted)} {rows} of the {days} days were not asked about in the test"
        fail("rows-missing", seen=seen, expected="all of each day")
    lake = open_lake(project)
    outcomes = OUTCOMES.read(lake) if OUTCOMES.exists(lake) else pl.DataFrame({"received_at": [], "known_at": []})
    if ended is not None and outcomes["received_at"].dt.date().n_unique() < days - 3:
        seen = "the outcomes of many days came in at once"
        fail("at-once", seen=seen, expected="each outcome on the day on which it was known")


def check_error_rate(work: LabWork) -> None:
    """The test is seldom wrong."""
    alpha = work.open().settings.ab.alpha
    if alpha > MAX_ALPHA:
        seen = f"of tests of versions that are worth the same, {alpha:.0%} find a difference"
        fail("too-often-wrong", seen=seen, expected=f"at most {MAX_ALPHA:.0%}")


def check_value(work: LabWork) -> None:
    """What was compared is what the story says."""
    project = work.open()
    began, ended = _find_test(project)
    told = _results(ended)["mean"]
    until = ended.at if ended else None
    rows = OUTCOMES.read(open_lake(project)).filter(
        pl.col("verdict") == "accepted", pl.col("version") == NEW, pl.col("predicted_at") >= began
    )
    rows = rows.filter(pl.col("received_at") <= until) if until else rows
    warned = pl.col("output") >= THRESHOLD
    worth = pl.when(warned & pl.col(work.data.layout.label)).then(RIGHT).when(warned).then(WRONG).otherwise(0.0)
    mean = rows.select(worth.mean()).item()
    if mean is None or abs(told - mean) > TOLERANCE:
        seen = f"the test says that an answer of version {NEW} is worth {told:.3f}"
        fail("wrong-value", seen=seen, expected="the mean of what the table of the story says, over the same answers")


def _results(ended: Decision | None) -> dict[str, Any]:
    """What the test says of the new version, at its end."""
    if ended is None:
        fail("not-ended", seen="the A/B test is still under way", expected="that it is over")
    results = ended.evidence.get("results", {}).get(str(NEW))
    if not results or results.get("mean") is None:
        seen = f"the decision that ended the test has no results for version {NEW}"
        fail("no-results", seen=seen, expected="results: answers whose outcomes are known, on whole days")
    return dict(results)


def check_decided(work: LabWork) -> None:
    """The decision is that of the evidence."""
    project = work.open()
    _, ended = _find_test(project)
    verdict = _results(ended)["verdict"]
    assert ended is not None
    kept = ended.version if ended.rule == AB_WINNER else OLD
    last_day = work.day(PAST_DAYS + TEST_DAYS - 1)
    if kept == NEW and verdict != "better":
        seen = f"version {NEW} was kept, and the verdict on it was {verdict}"
        fail("by-force", seen=seen, expected="that it is kept only if it was proved to be better")
    if kept != NEW and verdict == "better":
        seen = f"the verdict on version {NEW} was better, and it was not kept"
        fail("not-kept", seen=seen, expected="that the better version answers from now on")
    if verdict not in {"better", "worse"} and ended.at.date() < last_day:
        seen = f"the test ended on {ended.at.date()}, and its verdict was {verdict}"
        fail("too-soon", seen=seen, expected="that it goes on until it has a verdict, or the two weeks are over")


def check_report(work: LabWork) -> None:
    """The report says what the record says."""
    told = work.read_report("report.toml", expected="the results")
    project = work.open()
    results = _results(_find_test(project)[1])
    facts = {name: results[name] for name in ("gain", "lower", "upper")} | {work.words["rows"]: results["outcomes"]}
    facts["keep"] = fold(decisions_of(project)).champion
    for name, fact in facts.items():
        value = told.get(name)
        if fact is not None and not (isinstance(value, int | float) and abs(value - fact) <= 0.0051):
            fail(f"wrong-{name}", seen=f"report.toml: {name} = {value}", expected=f"{name} as the record has it")


CHECKS = {
    "key": check_key,
    "share": check_share,
    "whole-days": check_whole_days,
    "error-rate": check_error_rate,
    "value": check_value,
    "decided": check_decided,
    "report": check_report,
}
