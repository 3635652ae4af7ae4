"""The tests about monitoring."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import polars as pl

from mlops_lab.alerts.channels.post import SENT
from mlops_lab.lineage.readiness.data import BREACHES
from mlops_lab.lineage.readiness.evidence import Evidence
from mlops_lab.lineage.readiness.rubric import AUTOMATIC, BY_HAND, Effort, Finding, RubricTest
from mlops_lab.lineage.readiness.sentences import no_version, of_days, of_gate
from mlops_lab.loop.approval import LOOP
from mlops_lab.rollout.decisions import DecisionKind
from mlops_lab.status.wording import format_count

PARITY = "parity"
_UPSTREAM = ("freshness", "nulls", "unseen", BREACHES)
_SPEED = ("latency", "server_errors")


def check_upstream(evidence: Evidence) -> Finding:
    """What the data depends on is watched each day, and alerts reach somebody."""
    days = evidence.days(*_UPSTREAM)
    finding = of_days(evidence, days, "freshness, nulls, new texts and breaches of all tables were watched on {days}")
    if finding.points < 1:
        return finding
    sent = [item for item in evidence.deliveries if item.result == SENT]
    if sent:
        text = f"{finding.evidence}; {sent[-1].channel} delivered {format_count(len(sent), 'message')}"
        return replace(finding, evidence=text, on=evidence.day(sent[-1].at))
    channels = evidence.settings.alerts.channels
    text = "no channel has delivered anything" if channels else "alerts are only listed: no channel is declared"
    mend = "try the channels: `mlops alerts test`" if channels else None
    effort = Effort.COMMAND if channels else None
    return replace(finding, points=BY_HAND, evidence=f"{finding.evidence}; {text}", mend=mend, effort=effort)


def check_invariants(evidence: Evidence) -> Finding:
    """Rows and requests are held against the contract, and inputs of training against those that were served."""
    judged = evidence.judged("served")
    text = "what broke the contract was counted on {days}, in requests and in tables"
    text += f"; the gate `served` compared {format_count(len(judged), 'candidate')}" if judged else ""
    return of_days(evidence, evidence.days(BREACHES), text)


def check_parity(evidence: Evidence) -> Finding:
    """Served values are computed again from their definition, each day."""
    rows = evidence.measured(PARITY)
    compared, differing = (rows.filter(pl.col("name") == name) for name in ("compared", "differing"))
    text = f"{int(compared['value'].sum()):,} values were computed again on {{days}}, "
    wrong = differing.filter(pl.col("value") > 0)
    finding = of_days(evidence, evidence.days(PARITY), text + f"{int(differing['value'].sum()):,} differ")
    if wrong.height and wrong["at"].max() == rows["at"].max():
        mend = "see which, and why: `mlops features verify`"
        return replace(finding, points=0.0, says_no=True, mend=mend, effort=Effort.CODE)
    return finding


def check_age(evidence: Evidence) -> Finding:
    """The loop trains again before a version is older than mlops.toml allows."""
    if evidence.champion is None or not evidence.trainings or evidence.now is None:
        return no_version()
    last, triggers = evidence.trainings[-1].at, evidence.settings.triggers
    age = max(evidence.now - last, timedelta(0))
    by_rule = sum((item.what, item.by) == (DecisionKind.RETRAIN, LOOP) for item in evidence.decisions)
    text = f"the last of {format_count(len(evidence.trainings), 'training')} was {format_count(age.days, 'day')} ago"
    text += f", {triggers.every_days} are allowed; a rule of the loop started {by_rule}"
    if age > timedelta(days=triggers.every_days + triggers.cooldown_days):
        mend = "train again: `mlops run`; `mlops up` keeps the loop alive"
        return Finding(points=0.0, evidence=text, on=evidence.day(last), says_no=True, mend=mend)
    return Finding(points=AUTOMATIC if by_rule else BY_HAND, evidence=text, on=evidence.day(last))


def check_numbers(evidence: Evidence) -> Finding:
    """The package of each candidate answers with valid, finite numbers, and with those of the trained model."""
    finding = of_gate(evidence, "contract", "valid, finite answers, the same as those of the model")
    judged = evidence.judged("contract")
    rows = sum(item.figures.get("rows", 0.0) for item in judged)
    return replace(finding, evidence=f"{finding.evidence}, on {rows:,.0f} rows") if judged else finding


def check_speed(evidence: Evidence) -> Finding:
    """Latency and errors of the server are measured each day, and watched."""
    days = evidence.days(*_SPEED)
    if evidence.champion is not None and not days.count:
        mend = "let a server answer requests of a whole day: `mlops up`"
        text = "no day has counts of a server"
        return Finding(points=0.0, evidence=text, mend=mend, effort=Effort.WAIT)
    finding = of_days(evidence, days, "latency and errors were watched on {days}; memory and time of training are not")
    return replace(finding, points=min(finding.points, BY_HAND), mend=finding.mend or "")


def check_quality(evidence: Evidence) -> Finding:
    """Answers are compared with their outcomes each day."""
    outcomes = evidence.measured("volume").filter(pl.col("name") == "outcomes")["value"].sum()
    return of_days(
        evidence, evidence.days("quality"), f"{int(outcomes):,} answers were held against outcomes on {{days}}"
    )


MONITORING = (
    RubricTest(
        section="monitoring",
        number=1,
        name="changes upstream are told",
        counts="daily measurements of each table and input, and alerts that a channel delivered",
        show="mlops alerts list",
        mend="name a channel in [alerts.channels], then `mlops alerts test`",
        effort=Effort.SETTING,
        check=check_upstream,
    ),
    RubricTest(
        section="monitoring",
        number=2,
        name="data keeps its rules, in training and in use",
        counts="a daily count of what broke the contract; verdicts of the gate `served`",
        show="mlops contract check",
        mend="let the loop measure days: `mlops up`",
        effort=Effort.COMMAND,
        check=check_invariants,
    ),
    RubricTest(
        section="monitoring",
        number=3,
        name="inputs are the same in training and in use",
        counts="served values that were computed again from their definition, each day",
        show="mlops features verify",
        mend="let the loop measure days: `mlops up`",
        effort=Effort.COMMAND,
        check=check_parity,
    ),
    RubricTest(
        section="monitoring",
        number=4,
        name="the model is not too old",
        counts="the age of the last training, and trainings that a rule started",
        show="mlops status",
        mend="let the loop train: `mlops up`",
        effort=Effort.WAIT,
        check=check_age,
    ),
    RubricTest(
        section="monitoring",
        number=5,
        name="answers are valid numbers",
        counts="verdicts of the gate `contract` about each candidate's answers",
        show="mlops explain --version {champion}",
        mend="train a candidate: `mlops run`",
        effort=Effort.COMMAND,
        check=check_numbers,
    ),
    RubricTest(
        section="monitoring",
        number=6,
        name="speed and memory did not get worse",
        counts="daily latency and errors of the server: half a point at most",
        show="mlops status",
        mend="measure training time and memory on your own, and declare the result; `mlops status` has the latency",
        effort=Effort.PERSON,
        check=check_speed,
    ),
    RubricTest(
        section="monitoring",
        number=7,
        name="quality in use did not get worse",
        counts="daily comparisons of answers with their outcomes",
        show="mlops status",
        mend="submit outcomes: `mlops outcomes FILE`",
        effort=Effort.COMMAND,
        check=check_quality,
    ),
)
