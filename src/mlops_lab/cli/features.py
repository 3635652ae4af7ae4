"""`mlops features list | show | diff | verify`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from mlops_lab.cli.errors import refuse
from mlops_lab.cli.records.predictions import LogProblemRecord, ParityExample, ParityRecord, UnverifiedVersion
from mlops_lab.cli.shared import HERE, Folder, Json, local, open_project, print_record, print_table
from mlops_lab.errors import Refused
from mlops_lab.intake.journal import ingest_if_reachable
from mlops_lab.lineage.definitions import diff_features, list_features, show_view
from mlops_lab.loop.erasures import facts_erased
from mlops_lab.monitoring.log_check import LogProblem, LogReport, check_log
from mlops_lab.monitoring.parity import ParityReport, Verifier
from mlops_lab.project import Project
from mlops_lab.rollout.compatibility import check_schema
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.versions import load_plan_of, load_predictor
from mlops_lab.tables.open_lake import open_lake

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.command(name="list")
def list_all(project: Folder = HERE, json: Json = False) -> None:
    """List all views with their values, and derived features; `show VIEW` has the details of one."""
    found = list_features(open_project(project))
    if json:
        print_record(found)
        return
    table = Table("view", "value", "of", "seen", "live in", box=None, header_style="bold")
    table.columns[2].overflow = "fold"
    for view in found.views:
        limit = f", over {view.over}" if view.over else f", ttl {view.ttl}" if view.ttl else ""
        first = (f"{view.table} by {_key(view.by)}{limit}", ", ".join(map(str, view.live_in)))
        for index, (name, aggregate) in enumerate(view.values.items()):
            more = ("", "") if index else first
            table.add_row("" if index else view.name, name, _aggregate(*aggregate), *more)
    print_table(table)
    derived = Table("derived", "expression", box=None, header_style="bold")
    for name, expression in found.derived.items():
        derived.add_row(name, expression)
    print_table(derived)


@app.command()
def show(view: str, project: Folder = HERE, json: Json = False) -> None:
    """Show one view in full."""
    found = show_view(open_project(project), view)
    if json:
        print_record(found)
        return
    table = Table(box=None, show_header=False)
    table.add_column(style="bold")
    for name in ("name", "version", "table", "over", "ttl", "missing"):
        value = getattr(found, name)
        table.add_row(name, "-" if value is None else str(value))
    table.add_row("key", _key(found.by))
    for name, aggregate in found.values.items():
        table.add_row(f"value {name}", f"{_aggregate(*aggregate)}  ({found.types[name]})")
    table.add_row("live in", ", ".join(f"version {number}" for number in found.live_in) or "no live version")
    print_table(table)


@app.command()
def diff(
    other: Annotated[str, typer.Argument(help="The number of a registered version, or a git commit.")],
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Compare pipeline.py with another commit or a registered version."""
    found = diff_features(open_project(project), other)
    if json:
        print_record(found)
        return
    if found.same:
        print(f"the same as {other}")
        return
    table = Table("what", "name", "change", box=None)
    for kind, changes in (("view", found.views), ("derived", found.derived), ("input", found.inputs)):
        for change, names in (("added", changes.added), ("removed", changes.removed)):
            for name in names:
                table.add_row(kind, name, change)
        for name, parts in changes.changed.items():
            for part, values in parts.items():
                if part == "definition" and "expression" in parts:
                    continue  # the expression says the same in short
                table.add_row(kind, name, f"{part}: {values.then} → {values.now}")
    print_table(table)


@app.command()
def verify(project: Folder = HERE, json: Json = False) -> None:
    """Compute features and answers of every logged prediction again, and check that the log is as it was written."""
    opened = open_project(project)
    lake = open_lake(opened)
    ingest_if_reachable(opened, lake)
    decisions = read_decisions(lake)
    check_schema(opened, lake, decisions)
    report = Verifier(
        opened,
        lake,
        plan_of=partial(load_plan_of, opened, decisions),
        predictor_of=partial(load_predictor, opened, decisions),
        erasures=partial(facts_erased, lake, source=opened.settings.source.table),
    ).verify_all()
    log = check_log(lake)
    log.problems += [problem for problem in report.problems if problem not in log.problems]
    if json:
        print_record(_record(report, log))
    else:
        _print_report(report, log, opened)
    if report.differing_cells:
        refuse(
            Refused(
                f"{report.differing_cells:,} cells were served differently from their definition",
                code="parity",
                hint="the examples name view, entity and moment; was a table changed, or the server's code?",
            )
        )
    if log.problems:
        refuse(
            Refused(
                f"the log is not as it was written: {log.problems[0].table}: {log.problems[0].what}",
                code="log_changed",
                hint="restore the table from a backup",
            )
        )


def _record(report: ParityReport, log: LogReport) -> ParityRecord:
    examples = [
        msgspec.convert(vars(example) | {"at": example.at.isoformat()}, ParityExample) for example in report.examples
    ]
    return ParityRecord(
        predictions=report.predictions,
        cells=report.cells,
        differing=report.differing_cells + sum(max(1, problem.rows) for problem in log.problems),
        by_feature=report.differing,
        erased=report.erased,
        examples=examples,
        answers=report.answers,
        unverified=[
            UnverifiedVersion(version=version, predictions=predictions, reason=reason)
            for (version, reason), predictions in report.unverified.items()
        ],
        rows_checked=log.rows,
        log=[_log_problem(problem) for problem in log.problems],
    )


def _log_problem(problem: LogProblem) -> LogProblemRecord:
    moments = {
        name: moment and moment.isoformat() for name, moment in (("since", problem.since), ("until", problem.until))
    }
    return msgspec.convert(vars(problem) | moments, LogProblemRecord)


def _print_report(report: ParityReport, log: LogReport, project: Project) -> None:
    print(
        f"{report.predictions:,} predictions, {report.cells:,} cells and {report.answers:,} answers compared, "
        f"{report.differing_cells:,} differing"
    )
    if report.erased:
        print(f"{report.erased:,} cells cannot be compared: facts that they came from were erased since")
    for (version, reason), predictions in report.unverified.items():
        of_version = "" if version is None else f" of version {version}"
        print(f"{predictions:,} predictions{of_version} were not verified: {reason}")
    print(f"{log.rows:,} rows of the log checked, {len(log.problems):,} problems")
    for problem in log.problems:
        hours = (
            f", {local(problem.since, project)} to {local(problem.until, project)}"
            if problem.since and problem.until
            else ""
        )
        file = f", file {problem.file}" if problem.file else ""
        ranges = f", positions {problem.ranges}" if problem.ranges else ""
        print(f"{problem.table}: {problem.what}{file}{hours}{ranges}")
    if not report.examples:
        return
    table = Table("feature", "view", "entity", "at", "prediction", "served", "defined", box=None)
    for one in report.examples:
        entity = ", ".join(f"{name}={value}" for name, value in one.entity.items())
        at = local(one.at, project)
        table.add_row(one.feature, one.view or "", entity, at, one.prediction, repr(one.served), repr(one.defined))
    print_table(table)


def _aggregate(how: str, column: str, of: object) -> str:
    return f"{how}({column})" if of is None else f"{how}({column} = {of})"


def _key(by: list[list[str]]) -> str:
    return ", ".join(field if field == column else f"{field} → {column}" for field, column in by)
