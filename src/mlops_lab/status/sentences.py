"""The status of a project in plain sentences."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import UNSET

from mlops_lab.rollout.decision_record import DecisionRecord
from mlops_lab.status.error_rate import ErrorRateRecord
from mlops_lab.status.records import (
    ApprovalStatus,
    MonitoringStatus,
    ProjectStatus,
    RecentRequests,
    RetrainingStatus,
    RolloutProgress,
    UnmeasuredRecord,
    WatchRecord,
)
from mlops_lab.status.wording import format_count, format_decision, format_duration

MIN_OUTCOMES_FOR_BASE = 30
"""With fewer outcomes the observed rate says little, and no constant prediction is shown beside the loss."""
_LISTED = 3
_ESTIMATED = {"log_loss": "log loss", "auc": "AUC"}
_METRICS = {"log_loss": "log loss", "rmse": "root mean squared error"}


def sentences(status: ProjectStatus) -> Iterator[str]:
    """The status, sentence by sentence."""
    if status.champion is None:
        yield "no version is live: `mlops up` trains the first and serves it (`mlops run` only trains it)"
    else:
        yield _champion(status)
        yield from _following(status)
        yield from _requests(status)
        yield from _performance(status)
        yield from _estimates(status)
        yield from _measuring(status)
        if status.monitoring:
            yield from _monitoring(status.monitoring)
        if status.rollout:
            yield _rollout(status, status.rollout)
        if status.watch:
            yield _watch(status, status.watch)
    if status.error_rate:
        yield _error_rate(status.error_rate)
    if status.retraining:
        yield _retraining(status, status.retraining)
    for warning in status.warnings:
        yield f"warning: {warning}"
    yield from _set_aside(status)
    if (last := status.last_decision) and last != status.live_by:
        text = f"{format_decision(last.what, last.version, rule=last.rule)}: {last.reason}"
        yield f"the last decision, {_ago(status, last.at)}: {text}"
    if status.server:
        yield f"the server answers on {status.server}"
    elif status.champion is not None:
        yield "the server is not running: `mlops up`"


def _champion(status: ProjectStatus) -> str:
    if status.live_by is None:
        return f"version {status.champion} answers"
    how = _how_it_went_live(status.live_by)
    return f"version {status.champion} has answered {_since(status, status.live_by.at)} ({how})"


def _how_it_went_live(decision: DecisionRecord) -> str:
    how = {"bootstrap": "the first", "promote": "promoted", "roll_back": "rolled back to"}[decision.what]
    return f"{how}: {decision.reason}" if decision.reason else how


def _following(status: ProjectStatus) -> Iterator[str]:
    """Who does not follow the decisions yet, and which versions are not ready."""
    following = status.following
    if following is None:
        return
    if following.table is not None and following.table < status.generation:
        count = format_count(status.generation - following.table, "decision")
        yield f"the last {count} took no effect yet: `mlops tick` finishes what was interrupted"
    if following.lagging:
        oldest = min(following.workers[worker] for worker in following.lagging)
        who = f"{len(following.lagging)} of {format_count(len(following.workers), 'worker')} of the server"
        behind = format_count(status.generation - oldest, "decision")
        why = f": {following.error}" if following.error else ""
        yield f"{who} (number {', '.join(following.lagging)}) still answer as {behind} ago{why}"
    for version, why in following.not_loaded.items():
        role = "" if version == str(status.champion) else "; the champion answers for it"
        yield f"version {version} is not ready{role}: {why}"


def _requests(status: ProjectStatus) -> Iterator[str]:
    recent = status.recent
    if not status.predictions or recent is None:
        yield "no request was answered yet"
        return
    answered = f"{format_count(status.predictions, 'request')} answered, {recent.answered_last_hour:,} in the last hour"
    yield "; ".join([answered, *_waiting(status, recent)])


def _waiting(status: ProjectStatus, recent: RecentRequests) -> Iterator[str]:
    """Predictions without an outcome: those that still wait, and those for which none is expected any more."""
    within = format_count(recent.within_days, "day")
    if recent.waiting and recent.oldest is not None:
        verb = "waits for its outcome" if recent.waiting == 1 else "wait for their outcome"
        oldest = f"the oldest for {_age(status, recent.oldest)}"
        yield f"{recent.waiting:,} {verb} ({oldest}; after {within} none is expected any more)"
    if given_up := status.pending - recent.waiting:
        yield f"for {given_up:,} none came within {within}"


def _performance(status: ProjectStatus) -> Iterator[str]:
    windows = list(status.performance.windows())
    if not windows:
        if status.predictions:
            answers = f"the answers of version {status.champion}"
            yield f"the quality is not known: no outcome of {answers} came in yet (`mlops outcomes FILE`)"
        return
    parts = []
    for name, window in windows:
        when = {"last_24_hours": "in the last 24 hours", "week_before": "in the week before"}.get(name)
        when = when or _measured_day(status, window.at)
        outcomes = format_count(window.outcomes, "outcome")
        if window.first_known is not UNSET:
            outcomes += f"; {window.first_known:.3f} before some were corrected"
        parts.append(f"{window.value:.3f} {when} ({outcomes})")
    newest, base = windows[0][1], ""
    if newest.base is not None and newest.outcomes >= MIN_OUTCOMES_FOR_BASE:
        base = f"; the best constant prediction would have had {newest.base:.3f}"
    yield f"{_METRICS[newest.metric]} (lower is better): {', '.join(parts)}{base}"


def _estimates(status: ProjectStatus) -> Iterator[str]:
    """The quality that answers have by their own probabilities, where its stated error has held."""
    told = [
        f"{_ESTIMATED.get(item.metric, item.metric)} {item.value:.3f} ± {item.error:.3f}"
        for item in status.estimates
        if item.value is not None
    ]
    if told:
        yield f"estimated for the last measured day, before its outcomes: {', '.join(told)}"
    for item in status.estimates:
        if item.value is None and item.coverage is not None:
            yield f"no estimate of {_ESTIMATED.get(item.metric, item.metric)} before outcomes: {item.reason}"


def _measuring(status: ProjectStatus) -> Iterator[str]:
    """Days that are not measured: those that the next tick measures, and those that could not be."""
    if status.days_to_measure:
        verb = "is" if status.days_to_measure == 1 else "are"
        waiting = f"{format_count(status.days_to_measure, 'day')} that {verb} over {verb} not measured yet"
        yield f"{waiting}: `mlops tick` does it, and `mlops up` every day"
    if status.unmeasured:
        last = status.unmeasured[-1]
        times = format_count(len({(item.since, item.until) for item in status.unmeasured}), "period")
        yield f"{times} could not be measured, the last {_span(status, last)}: {last.reason} (`mlops status --json`)"


def _monitoring(monitoring: MonitoringStatus) -> Iterator[str]:
    """How many monitors cannot tell anything yet, and what is unusual."""
    if monitoring.days is not None:
        waiting = monitoring.watched - monitoring.calibrated
        which = (
            "the monitors are"
            if not monitoring.calibrated
            else f"{format_count(waiting, 'monitor')} of {monitoring.watched} are"
        )
        yield f"{which} not calibrated yet: {monitoring.days} of {monitoring.needed_days} days"
    if monitoring.unusual:
        first, more = monitoring.unusual[:_LISTED], len(monitoring.unusual) - _LISTED
        yield f"unusual: {', '.join(first)}{f' and {more} more' if more > 0 else ''} (`mlops status --json`)"


def _span(status: ProjectStatus, time: UnmeasuredRecord) -> str:
    """The days of the time, by their dates."""
    first = _date(status, time.since)
    last = _date(status, (_parse(time.until) - timedelta(microseconds=1)).isoformat())
    return f"on {first}" if first == last else f"from {first} to {last}"


def tell_rollout(status: ProjectStatus) -> str:
    """The rollout under way in a sentence; that there is none."""
    if status.rollout is not None:
        return _rollout(status, status.rollout)
    live = "no version is live" if status.champion is None else f"version {status.champion} answers"
    none = f"{live}, and no rollout is under way"
    return f"{none}; {_watch(status, status.watch)}" if status.watch else none


def _watch(status: ProjectStatus, watch: WatchRecord) -> str:
    until = f"until {_date(status, watch.until)}"
    return (
        f"version {watch.version}, the champion before, scores the same requests {until}: {watch.proof.text}; if it "
        "proves to be better, the promotion is taken back"
    )


def _rollout(status: ProjectStatus, rollout: RolloutProgress) -> str:
    stage = "has been in shadow" if status.stage == "shadow" else f"has answered {_share(rollout.canary_share)}"
    beginning = f"version {status.challenger} {stage} {_since(status, status.since)}"
    if rollout.is_paused:
        return f"{beginning}; paused: it takes no step forward until `mlops rollout resume`"
    if status.approval is not None:
        return f"{beginning}; {_approval(status, status.approval)}"
    if rollout.proof is not None and status.stage == "shadow" and not rollout.proof.is_proved:
        return f"{beginning}: {rollout.proof.text}; it goes on when its days prove it"
    is_over = status.now is not None and _parse(status.now) >= _parse(rollout.until)
    if is_over and rollout.rows >= rollout.rows_needed:
        return f"{beginning}: nothing is missing: the next tick of the loop decides"
    days = f"{rollout.days_over} of {format_count(rollout.days, 'day')}"
    requests = f"{rollout.rows:,} of {rollout.rows_needed:,} requests with an outcome"
    is_step = rollout.then == "canary" and rollout.next_share is not None
    then = f"then it answers {_share(rollout.next_share)}" if is_step else "then it is promoted"
    return f"{beginning}: {days}, {requests}; {then}, if it does no harm"


def _approval(status: ProjectStatus, approval: ApprovalStatus) -> str:
    """Who must approve what, and until when."""
    step = {"canary": "answer users", "promote": "be promoted"}[approval.step]
    given = f"{', '.join(approval.given)} approved" if approval.given else ""
    if not approval.missing:
        return f"{given}: the next tick of the loop goes on"
    given = f" ({given})" if given else ""
    command = f"`mlops approve {approval.version} --note WHY`, or `mlops reject`"
    return f"to {step} it waits for {approval.text}{given}, until {_date(status, approval.until)}: {command}"


def _share(share: float | None) -> str:
    """A share of the keys in percent, with the digits that it needs."""
    return f"{100 * (share or 0):.4g}% of the keys"


def _error_rate(rate: ErrorRateRecord) -> str:
    what = "are no better" if rate.asked == "better" else "are worse than allowed"
    trials = f"{format_count(rate.trials, rate.covers)} in {format_count(rate.days, 'day')}"
    expected = f"at most {rate.expected_a_year:.2g} versions that {what}"
    return f"a year like this promotes by chance {expected} ({trials}; alpha = {rate.alpha:g} for each)"


def _retraining(status: ProjectStatus, retraining: RetrainingStatus) -> str:
    if retraining.due is UNSET or retraining.watched_from is UNSET:
        return f"a candidate is to be trained: {retraining.reason}"
    due, watched_from = _date(status, retraining.due), _date(status, retraining.watched_from)
    if retraining.budget is not UNSET:
        return f"the budget of {retraining.budget} trainings is spent; the next may start on {due}, or with `mlops run`"
    text = f"the next training is due on {due} ({retraining.every_days} days after the last)"
    if status.now and _parse(retraining.watched_from) > _parse(status.now):
        return f"{text}; from {watched_from} on, as soon as {retraining.watched}"
    return f"{text}, or as soon as {retraining.watched}"


def _set_aside(status: ProjectStatus) -> Iterator[str]:
    """Rows and outcomes that were not accepted, and the newest alert."""
    if status.quarantined:
        verb = "waits" if status.quarantined == 1 else "wait"
        yield f"{format_count(status.quarantined, 'row')} {verb} in quarantine: `mlops quarantine`"
    if status.damaged_places:
        places = format_count(status.damaged_places, "place")
        yield f"the log was damaged in {places} ({status.damaged_bytes:,} bytes were set aside: `mlops quarantine`)"
    if status.unknown_outcomes:
        yield f"{format_count(status.unknown_outcomes, 'outcome')} name no prediction: stored without one"
    if status.too_late_outcomes:
        text = format_count(status.too_late_outcomes, "outcome")
        yield f"{text} came too late to count (outcome_within_days in [source])"
    if status.conflicting_outcomes:
        yield f"{format_count(status.conflicting_outcomes, 'outcome')} contradicted an earlier one: refused"
    if alert := status.alert:
        yield f"alert, {_ago(status, alert.at)}: {alert.what} ({alert.hint})"
    if status.alerts:
        counts = ", ".join(f"{count:,} {state}" for state, count in status.alerts.items())
        yield f"alerts that are not resolved: {counts} (`mlops alerts list`)"
    for channel in status.failing_channels:
        lasts = f"{_since(status, channel.since)}: {channel.reason}"
        yield f'the channel "{channel.name}" has sent no alerts {lasts} (`mlops alerts test`)'


def _ago(status: ProjectStatus, moment: str | None) -> str:
    """`2 h ago`; a date where the project has no present moment yet."""
    assert moment is not None
    return f"{_age(status, moment)} ago" if status.now else f"on {_date(status, moment)}"


def _since(status: ProjectStatus, moment: str | None) -> str:
    """`for 2 h`; a date where the project has no present moment yet."""
    assert moment is not None
    return f"for {_age(status, moment)}" if status.now else f"since {_date(status, moment)}"


def _age(status: ProjectStatus, moment: str) -> str:
    assert status.now is not None
    return format_duration(_parse(status.now) - _parse(moment))


def _date(status: ProjectStatus, moment: str) -> date:
    """The date of a moment on the project's own clock."""
    return _parse(moment).astimezone(ZoneInfo(status.timezone)).date()


def _parse(moment: str) -> datetime:
    return datetime.fromisoformat(moment)


def _measured_day(status: ProjectStatus, end: str) -> str:
    """The day that ended at `end`, a midnight: `yesterday`, or how long ago that was."""
    assert status.now is not None
    if _date(status, end) == _date(status, status.now):
        return "yesterday"
    return f"on the last day measured, which ended {_ago(status, end)}"
