"""The tests about the model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import NormalDist, StatisticsError, correlation

import polars as pl

from mlops_lab.lineage.readiness.evidence import Evidence, Judged
from mlops_lab.lineage.readiness.rubric import AUTOMATIC, BY_HAND, Effort, Finding, RubricTest, points_of
from mlops_lab.lineage.readiness.sentences import TRAIN_FIRST, WAIT_FOR_DAYS, WAIT_FOR_TRAINING, no_version, of_gate
from mlops_lab.monitoring.measure import ARM, EVIDENCE
from mlops_lab.rollout.decisions import DecisionKind
from mlops_lab.status.wording import format_count
from mlops_lab.tuning.trial_result import STUDY, TRIAL

_LIVE_MEASURES = {"log_loss": "log_loss", "squared_error": "rmse"}
"""By the loss that a gate records of held-out rows, the daily measure of the same."""
_FEWEST_TRIALS = 10
_SURE, _ALMOST, _FEWEST_PAIRS = NormalDist().inv_cdf(0.95), 1 - 1e-9, 3
"""Of a correlation: the standard errors that are no chance, the greatest r, and the pairs that tell nothing."""
_OF_SLICES = ("slice_excess_loss", "slice_skill", "slice_rmse")


def check_review(evidence: Evidence) -> Finding:
    """The champion comes from a commit, and another person has approved it."""
    if evidence.champion is None:
        return no_version()
    commit = evidence.commit or ""
    is_committed = len(commit) == 40
    approved = [
        item for item in evidence.decisions if (item.what, item.version) == (DecisionKind.APPROVE, evidence.champion)
    ]
    where = f"commit {commit[:10]}" if is_committed else "files that are in no commit"
    text = f"version {evidence.champion} was trained from {where}; "
    if approved:
        text += f"{approved[-1].by} approved it"
        return Finding(points=AUTOMATIC if is_committed else BY_HAND, evidence=text, on=evidence.day(approved[-1].at))
    text += "nobody approved it"
    if is_committed:
        mend = 'ask for approval: `steps = ["promote"]` in [approval]; then `mlops approve VERSION`'
        return Finding(points=BY_HAND, evidence=text, mend=mend, effort=Effort.SETTING)
    return Finding(points=0.0, evidence=text)


def check_correlation(evidence: Evidence) -> Finding:
    """Versions that were better on held-out rows were better on live answers."""
    held_out, live = _held_out_losses(evidence), _live_losses(evidence)
    both = [version for version in held_out if version in live]
    if not both:
        return Finding(points=0.0, evidence="no version has both a held-out and a live loss")
    days = evidence.days("quality")
    text = f"both losses are known of {format_count(len(both), 'version')}"
    r = _correlate([held_out[version] for version in both], [live[version] for version in both])
    doubt = _z_of(r, len(both))
    if r is None or abs(doubt) < _SURE:
        text += f", with r = {r:+.2f}" if r is not None else ""
        mend = "let the loop train and promote on: `mlops up`"
        return Finding(
            points=0.0, evidence=f"{text}: too few to tell whether they go together", on=days.last, mend=mend
        )
    text += f"; they go together with r = {r:+.2f}, beyond chance"
    if r < 0:
        mend = "hold out rows that are like those to come ([backtest]), then `mlops run`"
        return Finding(points=0.0, evidence=text, on=days.last, says_no=True, mend=mend, effort=Effort.SETTING)
    return Finding(points=AUTOMATIC, evidence=text, on=days.last)


def _correlate(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Pearson's r; None where it is not defined."""
    try:
        return correlation(one, other)
    except StatisticsError:  # too few, or all are the same
        return None


def _z_of(r: float | None, count: int) -> float:
    """How many standard errors r lies from 0, by Fisher's transformation; 0 for fewer than four pairs."""
    if r is None or count <= _FEWEST_PAIRS:
        return 0.0
    return math.atanh(max(-_ALMOST, min(_ALMOST, r))) * math.sqrt(count - _FEWEST_PAIRS)


def _held_out_losses(evidence: Evidence) -> dict[int, float]:
    return {
        item.decision.version: loss
        for item in evidence.judged("sanity")
        if item.decision.version is not None and (loss := _loss_of(item)) is not None
    }


def _loss_of(item: Judged) -> float | None:
    return next((item.figures[name] for name in _LIVE_MEASURES if name in item.figures), None)


def _live_losses(evidence: Evidence) -> Mapping[int, float]:
    """By version, the mean of its daily losses as champion or canary."""
    rows = evidence.measured("quality").filter(
        pl.col("name").is_in(list(_LIVE_MEASURES.values())), pl.col("role").ne_missing(ARM), pl.col("value").is_finite()
    )
    return dict(rows.drop_nulls("version").group_by("version").agg(pl.col("value").mean()).iter_rows())


def check_tuning(evidence: Evidence) -> Finding:
    """Studies have searched for better parameters."""
    trials = [run for run in evidence.runs if TRIAL in run.tags and run.tags.get("state") == "finished"]
    studies = {run.tags.get(STUDY, "") for run in trials}
    if not trials:
        return Finding(points=0.0, evidence="no study has searched for better parameters")
    text = f"{format_count(len(trials), 'trial')} in {len(studies)} {'study' if len(studies) == 1 else 'studies'}"
    on = evidence.day(max(run.began for run in trials))
    if len(trials) < _FEWEST_TRIALS:
        return Finding(points=0.0, evidence=f"{text}: fewer than {_FEWEST_TRIALS}", on=on, mend="go on: `mlops tune`")
    mend = "search again on newer data: `mlops tune --fresh`" if len(studies) == 1 else None
    return Finding(points=points_of(len(studies)), evidence=text, on=on, mend=mend)


def check_staleness(evidence: Evidence) -> Finding:
    """Fresher candidates were compared with the older champion, on held-out days or on live answers."""
    compared = [item for item in evidence.judged("backtest") if "gain" in item.figures]
    days = evidence.days(EVIDENCE)
    if evidence.champion is None:
        return no_version()
    if not compared and not days.count:
        return Finding(points=0.0, evidence="no fresher candidate was compared with the champion yet")
    text = f"the older champion was compared with {format_count(len(compared), 'fresher candidate')} on held-out days"
    if days.count:
        text += f", and on live answers of {format_count(days.count, 'day')}"
    on = days.last or evidence.day(compared[-1].decision.at)
    return Finding(
        points=points_of(max(len(compared), days.count)), evidence=text, on=on, mend=WAIT_FOR_DAYS, effort=Effort.WAIT
    )


def check_simpler(evidence: Evidence) -> Finding:
    """Each candidate is compared with a linear model."""
    finding, verdict = of_gate(evidence, "baseline", "better than a linear model"), evidence.of_champion("baseline")
    if verdict is None:
        return finding
    if verdict.warns:
        mend = "take the simpler model: put it into pipeline.py, then `mlops run`"
        return replace(finding, points=0.0, evidence=verdict.reason, says_no=True, mend=mend, effort=Effort.CODE)
    return replace(finding, evidence=f"{finding.evidence}; {verdict.reason}")


def check_slices(evidence: Evidence) -> Finding:
    """Each candidate is compared with the champion in every group, and groups are measured each day."""
    names = evidence.settings.gates.slices
    if not names:
        return Finding(points=0.0, evidence="mlops.toml names no groups")
    compared = [item for item in evidence.judged("slices") if item.figures.get("groups")]
    days = evidence.days(*_OF_SLICES)
    if not compared and not days.count:
        text = f"groups of {', '.join(names)} were not compared yet"
        return Finding(points=0.0, evidence=text, mend=TRAIN_FIRST, effort=Effort.COMMAND)
    text = f"groups of {', '.join(names)} were measured on {format_count(days.count, 'day')}"
    if compared:
        groups = int(compared[-1].figures["groups"])
        text += f"; the gate `slices` compared {format_count(len(compared), 'candidate')}, the last in {groups}"
    on = days.last or evidence.day(compared[-1].decision.at)
    points = points_of(max(len(compared), days.count))
    return Finding(points=points, evidence=text, on=on, mend=WAIT_FOR_TRAINING, effort=Effort.WAIT)


def check_inclusion(evidence: Evidence) -> Finding:
    """Which groups need protection is for people to say."""
    names = evidence.settings.gates.slices
    text = f"groups of {', '.join(names)} are compared; " if names else ""
    return Finding(points=0.0, evidence=f"{text}whether anybody is treated unfairly is for a person to judge")


MODEL = (
    RubricTest(
        section="model",
        number=1,
        name="the code is checked in, and reviewed",
        counts="the commit of which the champion was trained, and approvals by other people",
        show="mlops explain --version {champion}",
        mend="commit mlops.toml and pipeline.py; the next training is of the commit: `mlops run`",
        effort=Effort.COMMAND,
        check=check_review,
    ),
    RubricTest(
        section="model",
        number=2,
        name="quality on held-out rows tells quality in use",
        counts="held-out and live losses of versions, which go together beyond chance",
        show="mlops status",
        mend="answer requests and submit outcomes: `mlops up`, `mlops outcomes FILE`",
        effort=Effort.WAIT,
        check=check_correlation,
    ),
    RubricTest(
        section="model",
        number=3,
        name="parameters were searched for",
        counts="finished trials of studies, ten or more",
        show="mlops page",
        mend="search for better parameters: `mlops tune`",
        effort=Effort.COMMAND,
        check=check_tuning,
    ),
    RubricTest(
        section="model",
        number=4,
        name="what an old model costs is known",
        counts="comparisons of fresher candidates with the champion, held out and live",
        show="mlops rollout show",
        mend=WAIT_FOR_TRAINING,
        effort=Effort.WAIT,
        check=check_staleness,
    ),
    RubricTest(
        section="model",
        number=5,
        name="a simpler model is not as good",
        counts="verdicts of the gate `baseline` about each candidate",
        show="mlops explain --version {champion}",
        mend="train a candidate: `mlops run`",
        effort=Effort.COMMAND,
        check=check_simpler,
    ),
    RubricTest(
        section="model",
        number=6,
        name="groups that matter get good answers",
        counts="verdicts of the gate `slices`, and measurements of each group and day",
        show="mlops status",
        mend="name request fields in `slices` of [gates], then `mlops run`",
        effort=Effort.SETTING,
        check=check_slices,
    ),
    RubricTest(
        section="model",
        number=7,
        name="nobody is treated unfairly",
        counts="nothing that is recorded; a person's test",
        show="mlops config show",
        mend="name the groups in `slices` of [gates], compare them (`mlops compare`), and declare the result",
        effort=Effort.PERSON,
        check=check_inclusion,
    ),
)
