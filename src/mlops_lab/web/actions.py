"""What a person may do on the page: the same decisions as by command, with a token and a reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from mlops_lab.alerts.actions import close_alert, silence_alert
from mlops_lab.alerts.events import EventKind
from mlops_lab.errors import Conflict, InvalidInput, Refused, TooLarge
from mlops_lab.intake.deliver import replay_quarantine
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.loop.tick import Loop
from mlops_lab.project import Project
from mlops_lab.rollout.approvals import TOKEN
from mlops_lab.rollout.decisions import Decision, DecisionKind
from mlops_lab.serving.http.authorizer import Authorizer
from mlops_lab.status.wording import format_count, format_decision
from mlops_lab.tables.open_lake import open_lake

_MOST_BYTES = 10_000
_MOST_HOURS = 24 * 365


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is sent with an action: why, and about which alert; `expects` is the generation of the decisions that the
    person saw."""

    reason: str
    alert: str = ""
    hours: float = 24.0
    expects: int | None = None


Action = Callable[[Project, Asked, str], str]


async def act(project: Project, action: Action, request: Request) -> Mapping[str, Any]:
    """Do it: a sentence about what was done.

    Unauthorized without a token for operators; InvalidInput where the body is wrong; Refused as the command is.
    """
    by = TOKEN + Authorizer(project).identify("operate", request.scope["headers"]).name
    body = await _read_body(request)
    try:
        asked = msgspec.json.decode(body, type=Asked)
    except msgspec.DecodeError as error:
        raise InvalidInput(
            f"this is no request for an action: {error}", code="bad_action", hint='send {"reason": "…"}'
        ) from None
    if not asked.reason.strip():
        raise InvalidInput("say why", code="no_reason", where="reason", hint="it is stored with the decision")
    return {"done": await run_in_threadpool(action, project, asked, by)}


def _steer(what: DecisionKind) -> Action:
    def steer(project: Project, asked: Asked, by: str) -> str:
        loop = _open(project, asked)
        return _tell(loop, loop.steer(loop.now(), what, by=by, reason=asked.reason))

    return steer


def _roll_back(project: Project, asked: Asked, by: str) -> str:
    loop = _open(project, asked)
    return _tell(loop, loop.roll_back(loop.now(), by=by, reason=asked.reason))


def _approve(project: Project, asked: Asked, by: str) -> str:
    loop = _open(project, asked)
    version = _waiting_version(loop)
    decision = loop.approve(loop.now(), version, step=None, by=by, note=asked.reason)
    return f"{decision.evidence['step']} of version {version} is approved by {by}; the loop takes it at its next tick"


def _reject(project: Project, asked: Asked, by: str) -> str:
    loop = _open(project, asked)
    return _tell(loop, loop.reject(loop.now(), _waiting_version(loop), by=by, note=asked.reason))


def _waiting_version(loop: Loop) -> int:
    waiting = loop.state.approvals.asked
    if waiting is None:
        raise Refused("no step waits for an approval", code="nothing_waits", hint="`mlops status` tells what is next")
    return waiting.version


def _close(event: EventKind) -> Action:
    def close(project: Project, asked: Asked, by: str) -> str:
        loop = Loop(project)
        status = close_alert(project, loop.lake, asked.alert, event=event, now=loop.now(), by=by, reason=asked.reason)
        return f"alert {status.id} is {status.state}"

    return close


def _silence(project: Project, asked: Asked, by: str) -> str:
    if not 0 <= asked.hours <= _MOST_HOURS:
        raise InvalidInput(
            f"{asked.hours:g} hours", code="bad_hours", where="hours", hint=f"from 0 (end it) to {_MOST_HOURS}"
        )
    loop = Loop(project)
    lasts = timedelta(hours=asked.hours)
    event = silence_alert(project, loop.lake, asked.alert, lasts=lasts, now=loop.now(), by=by, reason=asked.reason)
    return f"alert {event.alert} is " + (f"silent for {asked.hours:g} hours" if asked.hours else "sent again")


def _replay_quarantine(project: Project, asked: Asked, by: str) -> str:
    released = replay_quarantine(project, by=by, why=asked.reason)
    ingest_journal(project, open_lake(project))
    tables = ", ".join(f"{format_count(rows, 'row')} into {table}" for table, rows in released.items())
    return f"brought in: {tables}" if tables else "no row keeps the contract yet: all stay where they are"


def _open(project: Project, asked: Asked) -> Loop:
    """The loop; Conflict where something was decided since the person looked."""
    loop = Loop(project)
    if asked.expects is not None and asked.expects != loop.state.generation:
        raise Conflict(
            "something was decided since this page was shown",
            code="decided_meanwhile",
            hint="look at it again: nothing was changed",
        )
    return loop


def _tell(loop: Loop, decision: Decision) -> str:
    return f"{format_decision(str(decision.what), decision.version)}; version {loop.state.champion} answers"


async def _read_body(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BYTES:
            raise TooLarge("an action is a few words", code="too_large", hint="send a shorter reason")
    return body


ACTIONS: Mapping[str, Action] = {
    "pause": _steer(DecisionKind.PAUSE),
    "resume": _steer(DecisionKind.RESUME),
    "abort": _steer(DecisionKind.ROLL_BACK),
    "promote": _steer(DecisionKind.PROMOTE),
    "roll-back": _roll_back,
    "approve": _approve,
    "reject": _reject,
    "acknowledge": _close(EventKind.ACKNOWLEDGED),
    "resolve": _close(EventKind.RESOLVED),
    "silence": _silence,
    "replay-quarantine": _replay_quarantine,
}
