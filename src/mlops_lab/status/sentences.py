"""The status of a project in plain sentences."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from mlops_lab.status.words import count, decided, span

ENOUGH = 30
"""So many outcomes say something about the rate that was observed."""
_METRICS = {"log_loss": "log loss", "rmse": "root mean squared error"}


def sentences(found: dict[str, Any]) -> Iterator[str]:
    """What `loop.status.describe` found, in words."""
    if found["champion"] is None:
        yield "no version is live: `mlops up` trains the first and serves it (`mlops run` only trains it)"
    else:
        yield _champion(found)
        yield from _answers(found)
        yield from _performance(found)
        if found["rollout"]:
            yield _rollout(found)
    if found["retraining"]:
        yield _retraining(found)
    yield from _set_aside(found)
    if (last := found["last_decision"]) and last != found["live_by"]:
        yield f"the last decision, {_ago(found, last['at'])}: {_decision(last)}"
    if found["server"]:
        yield f"the server answers on {found['server']}"
    elif found["champion"] is not None:
        yield "the server is not running: `mlops up`"


def _champion(found: dict[str, Any]) -> str:
    made, version = found["live_by"], found["champion"]
    if made is None:
        return f"version {version} answers"
    how = {"bootstrap": "the first", "promote": "promoted", "roll_back": "rolled back to"}[made["what"]]
    if made["reason"]:
        how += f": {made['reason']}"
    return f"version {version} answers, since {_ago(found, made['at'])} ({how})"


def _answers(found: dict[str, Any]) -> Iterator[str]:
    recent = found["recent"]
    if not found["predictions"]:
        yield "nothing was asked yet"
        return
    told = f"{count(found['predictions'], 'request')} answered, {recent['answered_last_hour']:,} in the last hour"
    within = count(recent["within_days"], "day")
    if recent["waiting"]:
        verb = "waits for its outcome" if recent["waiting"] == 1 else "wait for their outcome"
        told += f"; {recent['waiting']:,} {verb} (the oldest since {_age(found, recent['oldest'])}; "
        told += f"after {within} none is expected any more)"
    if given_up := found["pending"] - recent["waiting"]:
        told += f"; for {given_up:,} none came within {within}"
    yield told


def _performance(found: dict[str, Any]) -> Iterator[str]:
    told = found["performance"]
    if not told:
        if found["predictions"]:
            yield "how good it is is not known: no outcome came in yet (`mlops outcomes FILE`)"
        return
    parts, last = [], None
    for name, figures in told.items():
        when = {"last_24_hours": "in the last 24 hours", "week_before": "in the week before"}.get(name)
        when = when or _day_that_ended(found, figures["at"])
        parts.append(f"{figures['value']:.3f} {when} ({count(figures['outcomes'], 'outcome')})")
        last = last or figures
    assert last is not None
    base = ""
    if last["base"] is not None and last["outcomes"] >= ENOUGH:
        base = f"; always the same answer would have had {last['base']:.3f} at best"
    yield f"{_METRICS[last['metric']]}, the less the better: {', '.join(parts)}{base}"


def _rollout(found: dict[str, Any]) -> str:
    wait = found["rollout"]
    share = f"{wait['canary_share']:.0%} of the keys"
    then = f"then it answers {share}" if wait["then"] == "canary" else "then it is promoted"
    stage = "is in shadow" if found["stage"] == "shadow" else f"answers {share}"
    ready = "all it needs is there: the next turn of the loop decides"
    days = f"{wait['days_over']} of {count(wait['days'], 'day')}"
    missing = (
        f"{days}, {wait['rows']:,} of {wait['rows_needed']:,} requests with an outcome; {then}, if it does no harm"
    )
    over = _moment(found["now"]) >= _moment(wait["until"]) and wait["rows"] >= wait["rows_needed"]
    since = _ago(found, found["since"])
    return f"version {found['challenger']} {stage}, since {since}: {ready if over else missing}"


def _retraining(found: dict[str, Any]) -> str:
    due = found["retraining"]
    if "began" in due:
        return f"a candidate is to be trained: {due['reason']}"
    at = f"the next training is due on {_date(found, due['due'])} ({due['every_days']} days after the last)"
    if found["now"] and _moment(due["watched_from"]) > _moment(found["now"]):
        return f"{at}; from {_date(found, due['watched_from'])} on, as soon as {due['watched']}"
    return f"{at}, or as soon as {due['watched']}"


def _set_aside(found: dict[str, Any]) -> Iterator[str]:
    if found["quarantined"]:
        verb = "waits" if found["quarantined"] == 1 else "wait"
        yield f"{count(found['quarantined'], 'row')} {verb} in quarantine: `mlops quarantine`"
    if found["unknown_outcomes"]:
        yield f"{count(found['unknown_outcomes'], 'outcome')} named no recent prediction: kept aside"
    if found["conflicting_outcomes"]:
        yield f"{count(found['conflicting_outcomes'], 'outcome')} contradicted an earlier one: refused"
    if alert := found["alert"]:
        yield f"alert, {_ago(found, alert['at'])}: {alert['what']} ({alert['hint']})"


def _decision(decision: dict[str, Any]) -> str:
    return f"{decided(decision['what'], decision['version'])}: {decision['reason']}"


def _ago(found: dict[str, Any], moment: str) -> str:
    return f"{_age(found, moment)} ago" if found["now"] else f"on {_date(found, moment)}"


def _age(found: dict[str, Any], moment: str) -> str:
    return span(_moment(found["now"]) - _moment(moment))


def _date(found: dict[str, Any], moment: str) -> date:
    return _moment(moment).astimezone(ZoneInfo(found["timezone"])).date()


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _day_that_ended(found: dict[str, Any], moment: str) -> str:
    """The day that was over at `moment`, a midnight: `yesterday`, or its date."""
    if _date(found, moment) == _date(found, found["now"]):
        return "yesterday"
    return f"on the last day measured, which ended {_ago(found, moment)}"
