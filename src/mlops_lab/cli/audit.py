"""`mlops audit`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from mlops_lab.cli.shared import HERE, Folder, Json, console, local, open_project, parse_at, print_record, print_wrapped
from mlops_lab.files import disk_fault
from mlops_lab.intake.journal import ingest_if_reachable
from mlops_lab.intake.now import current_moment
from mlops_lab.lineage.audit import Audit, LiveSpan, audit, to_csv
from mlops_lab.project import Project
from mlops_lab.status.wording import format_count
from mlops_lab.tables.open_lake import open_lake


def command(
    at: Annotated[
        str | None, typer.Option("--at", help="The moment, such as 2013-03-02T05:00:00Z.", show_default="all time")
    ] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write the rows into this file.")] = None,
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Say what was live at a moment, who let it, and on which evidence; without a moment, of all time."""
    opened = open_project(project)
    lake = open_lake(opened)
    ingest_if_reachable(opened, lake)
    found = audit(lake, at=parse_at(at), now=current_moment(opened, lake))
    if csv is not None:
        try:
            csv.write_text(to_csv(found.live), encoding="utf-8")
        except OSError as error:
            raise disk_fault(error, csv) from error
        console.print(f"{format_count(len(found.live), 'row')} in {csv}", markup=False, highlight=False, soft_wrap=True)
    if json:
        print_record(found)
    elif csv is None:
        _print_audit(found, opened)
    for fault in found.faults:
        console.print(
            f"warning: the history is not what was written: {fault}", style="yellow", markup=False, soft_wrap=True
        )


def _print_audit(found: Audit, project: Project) -> None:
    if not found.live:
        print("no version was live" if found.at else "no version was ever live")
    for span in found.live:
        share = "" if not span.share else f" of {100 * span.share:.4g}% of the keys"
        until = "now" if span.until is None else local(_parse(span.until), project)
        print(f"version {span.version}, {span.role}{share}, from {local(_parse(span.since), project)} until {until}")
        for sentence in _tell(span):
            print_wrapped(sentence)
    if found.answered is not None:
        answers = [f"version {version} {count:,}" for version, count in found.answered.items()]
        print(f"answers logged in that minute: {', '.join(answers) or 'none'}")


def _tell(span: LiveSpan) -> list[str]:
    user = f" (user {span.user})" if span.user not in {None, span.by} else ""
    told = [f"decision {span.number}, {span.what} by {span.by}{user}, {span.rule}: {span.reason}"]
    told += [f"approved ({item.step}) by {item.by} on {item.at}: {item.note}" for item in span.approvals]
    if span.training is not None:
        training = span.training
        passed = ", ".join(f"{name} {'passed' if is_ok else 'failed'}" for name, is_ok in training.gates.items())
        asked = f", asked for by {training.asked_by} ({training.rule})" if training.asked_by else ""
        gates = f"; gates: {passed}" if passed else ""
        told.append(f"trained{asked}, decision {training.number}; package {training.fingerprint[:12]}{gates}")
    return told


def _parse(moment: str) -> datetime:
    return datetime.fromisoformat(moment)
