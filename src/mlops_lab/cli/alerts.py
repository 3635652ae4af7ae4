"""`mlops alerts list | show | ack | resolve | silence | test`."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from mlops_lab.alerts.actions import close_alert, silence_alert, silence_rule
from mlops_lab.alerts.channels.post import SENT
from mlops_lab.alerts.deliveries import Delivery, read_deliveries
from mlops_lab.alerts.delivery import try_channels
from mlops_lab.alerts.events import AlertEvent, EventKind
from mlops_lab.alerts.runbooks import RUNBOOKS, runbook_of
from mlops_lab.alerts.states import AlertState, AlertStatus, find_status, read_statuses
from mlops_lab.cli.errors import refuse
from mlops_lab.cli.records.alerts import (
    AlertDetails,
    AlertEventRecord,
    AlertsRecord,
    ChannelTest,
    ChannelTests,
    ClosedAlert,
    DeliveryRecord,
    SilenceRecord,
    TrackedAlert,
)
from mlops_lab.cli.shared import (
    ASKED,
    HERE,
    At,
    Folder,
    Json,
    local,
    open_project,
    parse_at,
    print_record,
    print_table,
    print_wrapped,
)
from mlops_lab.errors import InvalidInput, NotFound, Refused
from mlops_lab.intake.now import current_moment
from mlops_lab.lake import Lake
from mlops_lab.loop.people import acting_person
from mlops_lab.project import Project
from mlops_lab.project.keys import did_you_mean
from mlops_lab.tables.open_lake import open_lake

app = typer.Typer(add_completion=False, no_args_is_help=True)
Id = Annotated[str, typer.Argument(metavar="ID", help="The alert's id, or how it begins.", show_default=False)]
Reason = Annotated[str, typer.Option(help="The reason, stored with it.")]
By = Annotated[str | None, typer.Option(help="Who does it, stored with it.", show_default="the login name")]


@app.command("list")
def list_all(
    all_: Annotated[bool, typer.Option("--all", help="Those that are resolved, too.")] = False,
    project: Folder = HERE,
    at: At = None,
    json: Json = False,
) -> None:
    """List the alerts that are not resolved: what somebody should look at."""
    opened, lake, now = _open(project, at)
    statuses = read_statuses(opened, lake, now=now)
    shown = [status for status in statuses if all_ or status.state is not AlertState.RESOLVED]
    if json:
        print_record(AlertsRecord(alerts=[TrackedAlert(**_fields(status)) for status in shown]))
        return
    table = Table("id", "state", "rule", "last", "times", "what", box=None, header_style="bold")
    for status in shown:
        state = f"{status.state}, silent" if status.silenced_until else str(status.state)
        last = status.last
        table.add_row(status.id, state, last.rule, local(last.at, opened), str(len(status.raised)), last.what)
    if shown:
        print_table(table)
    else:
        print("nothing to look at: no alert is open")


@app.command()
def show(id_: Id, project: Folder = HERE, at: At = None, json: Json = False) -> None:
    """Show an alert: what to do about it, what was done, and to whom it was sent."""
    opened, lake, now = _open(project, at)
    status = find_status(read_statuses(opened, lake, now=now), id_)
    ids = {alert.id for alert in status.raised}
    deliveries = [item for item in read_deliveries(lake) if item.alert in ids]
    if json:
        events = [_event(event) for event in status.events]
        attempts = [_attempt(item) for item in deliveries]
        print_record(AlertDetails(**_fields(status), events=events, deliveries=attempts))
        return
    last, times = status.last, f"{len(status.raised)} times, first" if len(status.raised) > 1 else "raised"
    print(f"{status.id} [{last.rule}] {status.state}, since {local(status.since, opened)}")
    print_wrapped(last.what)
    print_wrapped(f"where: {last.where}")
    print_wrapped(f"{times} {local(status.raised[0].at, opened)}")
    print_wrapped(f"what to do: {last.hint}")
    print_wrapped(f"runbook: {runbook_of(last.rule).line}")
    if status.silenced_until:
        print_wrapped(f"silent until {local(status.silenced_until, opened)}")
    for event in status.events:
        print_wrapped(f"{local(event.at, opened)} {event.event} by {event.by}: {event.reason}")
    for item in deliveries:
        reason = f": {item.reason}" if item.reason else ""
        print_wrapped(f"{local(item.at, opened)} {item.channel}, attempt {item.attempt}: {item.result}{reason}")


@app.command()
def ack(
    id_: Id, reason: Reason = ASKED, by: By = None, project: Folder = HERE, at: At = None, json: Json = False
) -> None:
    """Acknowledge an alert: somebody looks at it, and it is not sent again."""
    _close(id_, EventKind.ACKNOWLEDGED, reason=reason, by=by, project=project, at=at, json=json)


@app.command()
def resolve(
    id_: Id, reason: Reason = ASKED, by: By = None, project: Folder = HERE, at: At = None, json: Json = False
) -> None:
    """Resolve an alert: what it tells of is over. Raised again, it is open again."""
    _close(id_, EventKind.RESOLVED, reason=reason, by=by, project=project, at=at, json=json)


@app.command()
def silence(
    id_: Annotated[str, typer.Argument(metavar="[ID]", help="An alert; or name a --rule.", show_default=False)] = "",
    rule: Annotated[str, typer.Option(help="All alerts of a rule.", show_default=False)] = "",
    hours: Annotated[float, typer.Option(min=0, max=24 * 366, help="For how long; 0 ends the silence.")] = 24.0,
    reason: Reason = ASKED,
    by: By = None,
    project: Folder = HERE,
    at: At = None,
    json: Json = False,
) -> None:
    """Send nothing about an alert, or of a rule, for some time. The table of alerts goes on."""
    if bool(id_) == bool(rule):
        hint = "`mlops alerts silence ID`, or `mlops alerts silence --rule RULE`"
        raise InvalidInput("name an alert or a rule", code="what_to_silence", where="ID, --rule", hint=hint)
    opened, lake, now = _open(project, at)
    lasts, who = timedelta(hours=hours), by or acting_person(opened)
    if rule:
        _check_rule(rule, read_statuses(opened, lake, now=now))
        event = silence_rule(lake, rule, lasts=lasts, now=now, by=who, reason=reason)
    else:
        event = silence_alert(opened, lake, id_, lasts=lasts, now=now, by=who, reason=reason)
    if json:
        fields = {name: getattr(_event(event), name) for name in AlertEventRecord.__struct_fields__}
        print_record(SilenceRecord(**fields, rule=event.rule or "", about=event.about))
        return
    about = "" if event.about is None else f" about {event.about}"
    until = f"are not sent until {local(now + lasts, opened)}" if hours else "are sent again"
    print(f"alerts of {event.rule}{about} {until}")


@app.command("test")
def send_test(project: Folder = HERE, json: Json = False) -> None:
    """Send one real message through each channel, and say what happened to each."""
    opened, lake, now = _open(project, None)
    if not opened.settings.alerts.channels:
        hint = 'add a channel: `[alerts.channels]` and `ops = "env:OPS_ADDRESS"` in mlops.toml (docs/alerts.md)'
        raise InvalidInput("no channel is declared", code="no_channels", where="[alerts.channels]", hint=hint)
    results = try_channels(opened, lake, now=now)
    if json:
        print_record(
            ChannelTests(
                channels=[
                    ChannelTest(channel=name, result=item.result, reason=item.reason, seconds=round(item.seconds, 3))
                    for name, item in results.items()
                ]
            )
        )
    else:
        for name, item in results.items():
            print(f"{name}: {item.result} in {item.seconds:.1f} s{f': {item.reason}' if item.reason else ''}")
    if failed := [name for name, item in results.items() if item.result != SENT]:
        what = f"{len(failed)} of {len(results)} channels sent nothing: {', '.join(failed)}"
        refuse(Refused(what, code="not_sent", hint="the reason stands beside each; mend it and try again"))


def _open(folder: Path, at: str | None) -> tuple[Project, Lake, datetime]:
    project = open_project(folder)
    lake = open_lake(project)
    return project, lake, parse_at(at) or current_moment(project, lake)


def _close(
    id_: str, event: EventKind, *, reason: str, by: str | None, project: Path, at: str | None, json: bool
) -> None:
    opened, lake, now = _open(project, at)
    status = close_alert(opened, lake, id_, event=event, now=now, by=by or acting_person(opened), reason=reason)
    if json:
        print_record(ClosedAlert(**_fields(status)))
    else:
        print(f"{status.id} [{status.last.rule}] is {status.state}: {status.last.what}")


def _check_rule(rule: str, statuses: list[AlertStatus]) -> None:
    known = {*RUNBOOKS, *(status.last.rule for status in statuses)}
    if rule not in known:
        hint = did_you_mean(rule, known) + f"the rules are {', '.join(sorted(known))}"
        raise NotFound(f'there is no rule "{rule}"', code="no_rule", where="--rule", hint=hint)


def _fields(status: AlertStatus) -> dict[str, Any]:
    last, runbook = status.last, runbook_of(status.last.rule)
    return {
        "id": status.id,
        "rule": last.rule,
        "state": str(status.state),
        "since": status.since.isoformat(),
        "what": last.what,
        "where": last.where,
        "hint": last.hint,
        "look": runbook.look,
        "run": runbook.run,
        "first": status.raised[0].at.isoformat(),
        "last": last.at.isoformat(),
        "times": len(status.raised),
        "silenced_until": status.silenced_until.isoformat() if status.silenced_until else None,
    }


def _event(event: AlertEvent) -> AlertEventRecord:
    until = event.until.isoformat() if event.until else None
    return AlertEventRecord(
        at=event.at.isoformat(), event=str(event.event), by=event.by, reason=event.reason, until=until
    )


def _attempt(item: Delivery) -> DeliveryRecord:
    return DeliveryRecord(
        at=item.at.isoformat(), channel=item.channel, attempt=item.attempt,
        result=item.result, reason=item.reason, seconds=round(item.seconds, 3),
    )  # fmt: skip
