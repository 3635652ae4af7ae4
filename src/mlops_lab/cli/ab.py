"""`mlops ab start | show | stop`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from mlops_lab.cli.records.ab import ABDecisionRecord
from mlops_lab.cli.rollout import By, Reason, draw_days, update_alias, with_whom
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
from mlops_lab.clock import parse_moment
from mlops_lab.errors import InvalidInput, MlopsError, Refused
from mlops_lab.loop.joined_outcomes import task_of
from mlops_lab.loop.people import acting_person
from mlops_lab.loop.tick import Loop
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import Decision, DecisionKind
from mlops_lab.rollout.value import declared_metric
from mlops_lab.rollout.versions import find_champion, package_folder
from mlops_lab.status.ab_report import ABReport, report_test

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.command()
def start(
    versions: Annotated[list[int], typer.Argument(help="Versions that passed their gates.")],
    share: Annotated[
        list[float], typer.Option(min=0.001, max=0.999, help="The share of keys of each version; or one for all.")
    ],
    reason: Reason = ASKED,
    by: By = None,
    project: Folder = HERE,
    at: At = None,
    json: Json = False,
) -> None:
    """Let versions answer fixed shares of the keys; the champion answers the rest. A key keeps its version."""
    shares = _pair(versions, share)
    loop = Loop(open_project(project))
    champion = package_folder(loop.project, find_champion(loop.decisions))
    declared_metric(loop.project, task_of(loop.project, champion))  # an error in [ab] is told before the test begins
    decision = loop.start_test(
        loop.moment(parse_at(at)), shares, by=acting_person(loop.project), reason=with_whom(reason, by)
    )
    _tell(loop, decision, json=json)


@app.command()
def show(project: Folder = HERE, at: At = None, json: Json = False) -> None:
    """Show the A/B test under way: the value of each version's answers, and whether that proves anything."""
    loop = Loop(open_project(project))
    report = report_test(loop, loop.moment(parse_at(at)))
    if json:
        print_record(report)
    else:
        _print_report(report, loop.project)


@app.command()
def stop(
    keep: Annotated[int | None, typer.Option(help="The version that answers all requests from now on.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Keep a version that is not proved to be better.")] = False,
    reason: Reason = ASKED,
    by: By = None,
    project: Folder = HERE,
    at: At = None,
    json: Json = False,
) -> None:
    """End the A/B test. The champion answers all requests again, or the version to keep is promoted."""
    loop = Loop(open_project(project))
    now = loop.moment(parse_at(at))
    evidence = _results(loop, now, keep=None if force else keep)
    decision = loop.stop_test(
        now, keep=keep, by=acting_person(loop.project), reason=with_whom(reason, by), evidence=evidence
    )
    _tell(loop, decision, json=json)
    if decision.what is DecisionKind.PROMOTE:
        update_alias(loop)


def _pair(versions: list[int], shares: list[float]) -> dict[int, float]:
    """The share of each version."""
    if len(set(versions)) < len(versions):
        what, hint = "a version is given twice", "give each version once"
        raise InvalidInput(what, code="version_twice", where="VERSION", hint=hint)
    if len(shares) not in {1, len(versions)}:
        raise InvalidInput(
            f"{len(shares)} shares for {len(versions)} versions",
            code="bad_shares",
            where="--share",
            hint="give --share once, for all versions, or once for each of them",
        )
    return dict(zip(versions, shares * (len(versions) if len(shares) == 1 else 1), strict=True))


def _results(loop: Loop, now: datetime, *, keep: int | None) -> dict[str, object]:
    """What the decision to stop keeps of the report. Refused where the version to keep is not proved to be better; a
    test that keeps none also ends where no report can be made."""
    try:
        report = report_test(loop, now)
    except MlopsError as error:
        if keep is not None or not loop.state.arms:
            raise
        return {"no_results": error.what}
    kept = next((arm for arm in report.arms if arm.version == keep), None)
    if kept is not None and kept.verdict != "better":
        raise Refused(
            f"version {keep} is not proved to be better: {kept.says}",
            code="not_proved",
            hint="let the test go on, or add --force to promote it all the same",
        )
    names = ("requests", "outcomes", "mean", "gain", "lower", "upper", "e_value", "verdict")
    results = {str(arm.version): {name: getattr(arm, name) for name in names} for arm in report.arms}
    return {"since": report.since, "results": results}


def _tell(loop: Loop, decision: Decision, *, json: bool) -> None:
    arms = {str(version): share for version, share in loop.state.arms}
    if json:
        extra = {"champion": loop.state.champion, "arms": arms}
        print_record(msgspec.convert(decision.as_dict() | extra, ABDecisionRecord))
        return
    rest = f"version {loop.state.champion} answers {'the rest' if arms else 'all requests'}"
    shares = [f"version {version} answers {share:.3g} of the keys" for version, share in arms.items()]
    print("; ".join([*shares, rest]), flush=True)


def _print_report(report: ABReport, project: Project) -> None:
    since, until = (local(parse_moment(moment), project) for moment in (report.since, report.until))
    print_wrapped(
        f"A/B test since {since}, by {report.by} ({report.reason}); values are those of whole days, until {until}"
    )
    print_wrapped(f"The value of an answer{f', in {report.unit}' if report.unit else ''}: {report.metric}")
    table = Table("version", "share", "keys", "requests", "outcomes", "unknown", "value", "gain", box=None)
    for arm in (report.control, *report.arms):
        table.add_row(
            f"{arm.version}{' (champion)' if arm is report.control else ''}",
            f"{arm.share:.1%}",
            f"{arm.keys:,}",
            f"{arm.requests:,}",
            f"{arm.outcomes:,}",
            f"{arm.unknown:.1%}",
            "-" if arm.mean is None else f"{arm.mean:.4g}",
            "-" if arm.gain is None else f"{arm.gain:+.4g}",
        )
    print_table(table)
    for arm in report.arms:
        print_wrapped(f"{arm.says} (e = {arm.e_value or 1:.3g} of {len(report.arms) / report.alpha:.3g}).")
        if arm.days:
            draw_days(arm.days)
    if report.history_explains:
        print_wrapped(f"What keys did before takes out {report.history_explains:.0%} of the variance of the gain.")
    if report.crossed:
        print_wrapped(
            f"{report.crossed:,} requests were answered by another version than that of their key: not counted."
        )
