"""`mlops diagnose`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import typer

from mlops_lab.cli.records.monitoring import CauseRecord, DeliveryRecord, DiagnosisRecord
from mlops_lab.cli.shared import HERE, Folder, Json, local, open_project, print_record, print_wrapped
from mlops_lab.clock import day_start
from mlops_lab.errors import InvalidInput, Refused
from mlops_lab.loop.diagnose import Diagnosis, FeatureCause, diagnose
from mlops_lab.loop.measure_day import read_profiles
from mlops_lab.loop.tick import Loop
from mlops_lab.loop.watch_days import watcher_of
from mlops_lab.monitoring.cause import Explained
from mlops_lab.project import Project
from mlops_lab.rollout.versions import find_version, package_folder

DEFAULT_DAYS = 7
Since = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="The first day that counts as after the change. Default: 7 days ago."),
]


def command(project: Folder = HERE, since: Since = None, json: Json = False) -> None:
    """Say what explains a higher loss: which inputs, groups of requests, and deliveries."""
    opened = open_project(project)
    loop = Loop(opened)
    champion, until = loop.state.champion, loop.now()
    if champion is None:
        raise Refused("no version is live", code="no_champion", where=str(opened.root), hint="`mlops up` trains one")
    began = day_start(since.date(), opened.timezone) if since else until - timedelta(days=DEFAULT_DAYS)
    if began >= until:
        raise InvalidInput(
            f"{since:%Y-%m-%d} has not begun: it is {until:%Y-%m-%d %H:%M} (UTC)",
            code="in_future",
            where="--since",
            hint="give an earlier day",
        )
    package = package_folder(opened, find_version(loop.decisions, champion))
    profiles = read_profiles(package)
    found = diagnose(opened, loop.lake, package=package, profiles=profiles, since=began, until=until)
    state = watcher_of(opened).look(loop.lake, until, champion=champion)
    unusual = [f"{monitor} of {name}" if name else monitor for monitor, name in state.is_open]
    if json:
        print_record(_record(found, since=began, until=until, unusual=unusual))
        return
    for line in _sentences(found, opened, since=began, unusual=unusual):
        print_wrapped(line)


def _record(found: Diagnosis | None, *, since: datetime, until: datetime, unusual: list[str]) -> DiagnosisRecord:
    return DiagnosisRecord(
        since=since.isoformat(),
        until=until.isoformat(),
        loss_before=found.loss_before if found else None,
        loss_since=found.loss_since if found else None,
        answers=found.answers if found else None,
        features=[_of_feature(cause) for cause in found.features] if found else [],
        groups=[_cause(group) for group in found.groups] if found else [],
        unusual=unusual,
    )


def _of_feature(cause: FeatureCause) -> CauseRecord:
    item = cause.delivery
    delivery = (
        DeliveryRecord(table=item.table, file=item.file, rows=item.rows, at=item.at.isoformat()) if item else None
    )
    return _cause(cause.explained, tables=list(cause.tables), delivery=delivery)


def _cause(
    explained: Explained, *, tables: list[str] | None = None, delivery: DeliveryRecord | None = None
) -> CauseRecord:
    return CauseRecord(
        name=explained.name, loss=explained.loss, share=explained.share, tables=tables or [], delivery=delivery
    )


def _sentences(found: Diagnosis | None, project: Project, *, since: datetime, unusual: list[str]) -> list[str]:
    if found is None:
        return [f"too few answers have an outcome, since {local(since, project)} or in the 28 days before"]
    lines = [
        f"the mean loss is {found.loss_since:.4f} since {local(since, project)} ({found.answers:,} answers), and was"
        f" {found.loss_before:.4f} in the 28 days before"
    ]
    if found.loss_since > found.loss_before:
        lines.append(found.sentence() or "no single feature or group of requests explains it")
    if unusual:
        lines.append(f"unusual: {', '.join(unusual)}")
    return lines
