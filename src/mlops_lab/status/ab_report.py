"""What an A/B test shows: by arm the value of an answer beside the control, how sure that is, and a verdict."""

from __future__ import annotations

from datetime import datetime
from math import isfinite

import numpy as np
from msgspec import Struct, structs

from mlops_lab.errors import Refused
from mlops_lab.loop.ab_answers import ABAnswers, read_test
from mlops_lab.loop.ab_evidence import weigh_test
from mlops_lab.loop.joined_outcomes import task_of
from mlops_lab.loop.tick import Loop
from mlops_lab.rollout.decisions import DecisionKind
from mlops_lab.rollout.evidence.arms import CONTROL, ArmLooks, standard_error
from mlops_lab.rollout.evidence.e_values import to_e_value
from mlops_lab.rollout.value import Metric, declared_metric
from mlops_lab.rollout.versions import find_version, package_folder
from mlops_lab.status.rollout_days import RolloutDay
from mlops_lab.status.wording import format_count

SHARES_ALPHA = 0.01
"""The probability that shares which are right are ever called wrong."""
_BEGINS = (DecisionKind.AB_START, DecisionKind.SPLIT)


class ABDay(RolloutDay, frozen=True, kw_only=True):
    """A day of an A/B test: by how much the arm's answers were worth more (`gain`), its answers until then (`rows`);
    and what all days until then show: the gain (`mean`), its bounds (null: none yet), the evidence (`e_value`)."""


class ABArm(Struct, frozen=True, kw_only=True):
    """A version in an A/B test; the control is the champion.

    `keys`, `requests` and `outcomes` are as of now, `unknown` is the share of requests without an outcome. The rest
    counts whole days: `mean` is the value of an answer, `gain` that minus the control's (less what history explains),
    which lies between `lower` and `upper` (null: not known yet), and `verdict` is `better`, `worse`, `undecided`, or
    `blocked` where the shares are wrong. They are null for the control.
    """

    version: int
    share: float
    keys: int
    requests: int
    outcomes: int
    unknown: float
    mean: float | None
    gain: float | None = None
    lower: float | None = None
    upper: float | None = None
    e_value: float | None = None
    verdict: str | None = None
    says: str | None = None
    days: list[ABDay] = []


class ABReport(Struct, frozen=True, kw_only=True):
    """`mlops ab show`: the A/B test under way.

    `since`: since when these versions are compared. `until`: the end of the last whole day. `metric` and `unit`: what
    is compared. `alpha` covers all arms and all looks. `shares_e_value`: the evidence that the arms do not get the
    shares of keys that they were given; from 100 on there is no verdict (`shares_are_wrong`). `crossed`: requests that
    another version answered than that of their key, which do not count. `history_explains`: the share of the variance
    of the gain that the history of the keys has taken out.
    """

    schema_version: int = 1
    since: str
    until: str
    by: str
    reason: str
    metric: str
    unit: str
    alpha: float
    shares_e_value: float
    shares_are_wrong: bool
    crossed: int
    history_explains: float
    control: ABArm
    arms: list[ABArm]


def report_test(loop: Loop, now: datetime) -> ABReport:
    """The report about the A/B test under way; Refused where there is none."""
    project, state = loop.project, loop.state
    if state.arms_since is None or state.champion is None:
        raise Refused("no A/B test is under way", code="no_ab_test", hint="`mlops ab start VERSION` begins one")
    task = task_of(project, package_folder(project, find_version(loop.decisions, state.champion)))
    metric = declared_metric(project, task)
    test = read_test(project, loop.lake, state, now=now, task=task, metric=metric)
    evidence = weigh_test(project, state, test)
    is_wrong = evidence.shares_log_e >= -np.log(SHARES_ALPHA)
    arms = []
    for number, (version, _) in enumerate(state.arms, start=1):
        base = _describe_group(test, number, version=version, share=evidence.shares[number])
        arms.append(_judge(base, evidence.arms[number - 1], metric, control=state.champion, is_blocked=bool(is_wrong)))
    began = next(item for item in reversed(loop.decisions) if item.what in _BEGINS)
    return ABReport(
        since=state.arms_since.isoformat(),
        until=test.until.isoformat(),
        by=began.by,
        reason=began.reason,
        metric=metric.says,
        unit=metric.unit,
        alpha=project.settings.ab.alpha,
        shares_e_value=to_e_value(evidence.shares_log_e),
        shares_are_wrong=bool(is_wrong),
        crossed=test.crossed,
        history_explains=_explained(test),
        control=_describe_group(test, CONTROL, version=state.champion, share=evidence.shares[CONTROL]),
        arms=arms,
    )


def _describe_group(test: ABAnswers, group: int, *, version: int, share: float) -> ABArm:
    count, values = test.counts[group], test.answers.values[test.answers.groups == group]
    return ABArm(
        version=version,
        share=share,
        keys=count.keys,
        requests=count.requests,
        outcomes=count.outcomes,
        unknown=1 - count.outcomes / count.requests if count.requests else 0.0,
        mean=float(values.mean()) if values.size else None,
    )


def _judge(arm: ABArm, looks: ArmLooks, metric: Metric, *, control: int, is_blocked: bool) -> ABArm:
    """The arm with what its days show, and the verdict."""
    days = [
        ABDay(
            gain=float(looks.daily[look]),
            rows=int(looks.rows[look]),
            mean=float(looks.gain[look]),
            lower=_if_finite(looks.lower[look]),
            upper=_if_finite(looks.upper[look]),
            e_value=to_e_value(float(looks.log_e[look])),
        )
        for look in range(len(looks.days))
    ]
    last = days[-1] if days else None
    verdict = "undecided"
    if is_blocked:
        verdict = "blocked"
    elif last is not None and last.lower is not None and last.lower > 0:
        verdict = "better"
    elif last is not None and last.upper is not None and last.upper < 0:
        verdict = "worse"
    return structs.replace(
        arm,
        gain=last.mean if last else None,
        lower=last.lower if last else None,
        upper=last.upper if last else None,
        e_value=last.e_value if last else None,
        verdict=verdict,
        says=_say(verdict, arm.version, last, metric, control=control),
        days=days,
    )


def _say(verdict: str, version: int, day: ABDay | None, metric: Metric, *, control: int) -> str:
    """The verdict in one sentence."""
    name, unit = f"version {version}", f" {metric.unit}" if metric.unit else ""
    if verdict == "blocked":
        return (
            f"no verdict on {name}: the versions do not get the shares of keys that they were given, so they are not "
            "asked the same kind of requests; look for what loses requests of one of them"
        )
    if day is None:
        return f"no verdict on {name} yet: no whole day with outcomes of both versions is over"
    if day.lower is None or day.upper is None:
        return f"no verdict on {name} yet: {format_count(day.rows, 'answer')} with an outcome, too few to say"
    between = f"between {day.lower:+.4g} and {day.upper:+.4g}{unit} a request"
    if verdict == "undecided":
        return f"nothing is proved about {name} yet: its gain over version {control} lies {between}"
    return f"{name} is {verdict} than version {control}: its gain lies {between}"


def _explained(test: ABAnswers) -> float:
    """The share of the variance of the first arm's gain that the history of the keys has taken out."""
    errors = [standard_error(test.answers, values, 1) for values in (test.answers.values, test.answers.adjusted())]
    return max(0.0, 1 - (errors[1] / errors[0]) ** 2) if 0 < errors[0] < float("inf") else 0.0


def _if_finite(value: float) -> float | None:
    return float(value) if isfinite(value) else None
