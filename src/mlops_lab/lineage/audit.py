"""The audit of what was live: since when, who let it, and on which evidence, all from the decisions and the log."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import polars as pl
from msgspec import Struct

from mlops_lab.errors import InvalidInput
from mlops_lab.lake import Lake
from mlops_lab.rollout.decision_chain import Entry
from mlops_lab.rollout.decision_log import check_chain, decisions_of, read_entries
from mlops_lab.rollout.decisions import Decision, DecisionKind, RolloutState, apply
from mlops_lab.tables.declared import PREDICTIONS

_MINUTE = timedelta(minutes=1)
_LiveKey = tuple[int, str, float | None]


class GivenApproval(Struct, frozen=True, kw_only=True):
    """An approval that a decision used: its number, the step, by whom, when (ISO 8601), and why."""

    number: int
    step: str
    by: str
    at: str
    note: str


class Training(Struct, frozen=True, kw_only=True):
    """Where a version comes from: the decision about it (`number`), who asked for its training, by which rule and why,
    the fingerprints of its package and training set, the last moment it learned from, and which gates it passed."""

    number: int
    asked_by: str | None
    rule: str | None
    reason: str | None
    fingerprint: str
    training_set: str | None
    cutoff: str | None
    gates: dict[str, bool]


class LiveSpan(Struct, frozen=True, kw_only=True):
    """A version in a role: `champion`, `canary`, `ab` (in an A/B test), or `shadow` (scored, not answered); with which
    share of the keys (null: all that no other version answers); from when until when (null: still).

    Then the decision that began it: its number, kind, rule, reason, who made it, the system user whose process wrote
    it, its hash, the approvals that it used, and its evidence; and the training of the version.
    """

    version: int
    role: str
    share: float | None
    since: str
    until: str | None
    number: int
    what: str
    rule: str
    reason: str
    by: str
    user: str | None
    hash: str | None
    approvals: list[GivenApproval]
    training: Training | None
    evidence: dict[str, Any]


class Audit(Struct, frozen=True, kw_only=True):
    """`mlops audit`: the versions that were live, at a moment (`at`) or ever. `answered` counts by version the logged
    answers of that minute; `faults` says what is wrong with the chain of decisions (`mlops history --verify`)."""

    schema_version: int = 1
    at: str | None
    live: list[LiveSpan]
    answered: dict[str, int] | None
    faults: list[str]


def audit(lake: Lake, *, at: datetime | None = None, now: datetime) -> Audit:
    """What was live at the moment `at`, or ever. InvalidInput where the moment is after `now`."""
    if at is not None and at > now:
        raise InvalidInput(
            f"{at.isoformat()} is after now, {now.isoformat()}", code="in_future", where="--at", hint="leave --at out"
        )
    entries = read_entries(lake)
    spans = [span for span in list_spans(entries) if at is None or _is_within(span, at)]
    return Audit(
        at=at.isoformat() if at else None,
        live=spans,
        answered=_count_answers(lake, at) if at else None,
        faults=[fault.what for fault in check_chain(lake, entries)],
    )


def list_spans(entries: Sequence[Entry]) -> list[LiveSpan]:
    """Each version in each role, in the order in which they began."""
    decisions = decisions_of(entries)
    moments = take_effect(decisions)
    state, began, spans = RolloutState(), dict[_LiveKey, int](), list[tuple[int, _LiveKey, int | None]]()
    for place, decision in enumerate(decisions):
        state = apply(state, decision)
        live = _live(state)
        spans += [(began.pop(key), key, place) for key in [*began] if key not in live]
        began |= {key: place for key in live if key not in began}
    spans += [(first, key, None) for key, first in began.items()]
    described = []
    for first, key, end in sorted(spans, key=lambda span: (span[0], span[1][1])):
        until = None if end is None else moments[end]
        described.append(_describe(entries[first], decisions, place=first, key=key, since=moments[first], until=until))
    return described


def take_effect(decisions: Sequence[Decision]) -> list[datetime]:
    """When each decision took effect: not before the one before it, and, where a clock was ahead, not after the
    decision that says so."""
    moments: list[datetime] = []
    ahead: datetime | None = None
    for decision in reversed(decisions):
        if decision.what is DecisionKind.CLOCK:
            ahead = min(decision.at, ahead or decision.at)
        moments.append(min(decision.at, ahead or decision.at))
    in_order: list[datetime] = []
    for moment in reversed(moments):
        in_order.append(max([moment, *in_order[-1:]]))
    return in_order


def to_csv(spans: Sequence[LiveSpan]) -> str:
    """One line a span, with a header; lists and evidence as JSON text."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(LiveSpan.__struct_fields__)
    for span in spans:
        values = msgspec.to_builtins(span).values()
        writer.writerow([json.dumps(value) if isinstance(value, list | dict) else value for value in values])
    return text.getvalue()


def _live(state: RolloutState) -> list[_LiveKey]:
    """The versions that answer, or are scored, in a state."""
    live: list[_LiveKey] = [] if state.champion is None else [(state.champion, "champion", None)]
    if state.challenger is not None:
        is_canary = state.stage is DecisionKind.CANARY
        live.append((state.challenger, "canary" if is_canary else "shadow", state.canary_share if is_canary else 0.0))
    if state.watch is not None:
        live.append((state.watch.version, "shadow", 0.0))
    return [*live, *((version, "ab", share) for version, share in state.arms)]


def _describe(
    entry: Entry, decisions: Sequence[Decision], *, place: int, key: _LiveKey, since: datetime, until: datetime | None
) -> LiveSpan:
    version, role, share = key
    decision = decisions[place]
    return LiveSpan(
        version=version,
        role=role,
        share=share,
        since=since.isoformat(),
        until=until.isoformat() if until else None,
        number=entry.number,
        what=str(decision.what),
        rule=decision.rule,
        reason=decision.reason,
        by=decision.by,
        user=entry.user,
        hash=entry.hash,
        approvals=list(_used_approvals(decisions[:place], decision, version)),
        training=_training(decisions[: place + 1], version),
        evidence=decision.evidence,
    )


def _used_approvals(earlier: Sequence[Decision], decision: Decision, version: int) -> Iterator[GivenApproval]:
    """The last approval of this version by each of those that the decision names."""
    used = {
        (item.by, item.evidence["step"]): (number, item)
        for number, item in enumerate(earlier, start=1)
        if item.what is DecisionKind.APPROVE and item.version == version
        if item.by in (decision.evidence.get("approved_by") or ())
    }
    for (by, step), (number, item) in used.items():
        yield GivenApproval(number=number, step=step, by=by, at=item.at.isoformat(), note=item.reason)


def _training(decisions: Sequence[Decision], version: int) -> Training | None:
    """Where the version comes from; None where no decision says so."""
    for place, decision in enumerate(decisions):
        if decision.version == version and "package" in decision.evidence:
            asked = next((item for item in reversed(decisions[:place]) if item.what is DecisionKind.RETRAIN), None)
            return Training(
                number=place + 1,
                asked_by=asked.by if asked else None,
                rule=asked.rule if asked else None,
                reason=asked.reason if asked else None,
                fingerprint=decision.evidence["fingerprint"],
                training_set=decision.evidence.get("training_set"),
                cutoff=decision.evidence.get("cutoff"),
                gates={gate["gate"]: gate["passed"] for gate in decision.evidence.get("gates") or ()},
            )
    return None


def _is_within(span: LiveSpan, at: datetime) -> bool:
    until = span.until
    return datetime.fromisoformat(span.since) <= at and (until is None or at < datetime.fromisoformat(until))


def _count_answers(lake: Lake, at: datetime) -> dict[str, int]:
    """How many answers each version gave in that minute, as far as the log was taken into the lake."""
    if not PREDICTIONS.exists(lake):
        return {}
    minute = at.replace(second=0, microsecond=0)
    rows = PREDICTIONS.read(lake, since=minute, before=minute + _MINUTE, columns=["at", "version"])
    counts = rows.group_by("version").agg(pl.len().alias("answers")).sort("version")
    return {str(version): count for version, count in counts.iter_rows()}
