"""`mlops history`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer

from mlops_lab.cli.errors import refuse
from mlops_lab.cli.records.decisions import ChainRecord, FaultRecord, HistoryRecord, LoggedDecision
from mlops_lab.cli.shared import HERE, Folder, Json, local, open_project, print_record, print_wrapped
from mlops_lab.errors import InvalidInput, NotFound, Refused
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.rollout.decision_chain import Entry
from mlops_lab.rollout.decision_log import check_chain, decisions_of, read_entries
from mlops_lab.status.wording import format_count
from mlops_lab.tables.open_lake import open_lake


def command(
    verify: Annotated[bool, typer.Option("--verify", help="Check that no decision was changed or is missing.")] = False,
    noted: Annotated[
        str | None, typer.Option(help="With --verify: a hash that --head printed before; the history must contain it.")
    ] = None,
    head: Annotated[bool, typer.Option("--head", help="Print only the hash of the last decision, to note it.")] = False,
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """List every decision, with its rule, its reason and who made it."""
    opened = open_project(project)
    lake = open_lake(opened)
    entries = read_entries(lake)
    if noted is not None and not verify:
        raise InvalidInput(
            "a noted hash is only checked with --verify",
            code="not_verified",
            where="--noted",
            hint=f"mlops history --verify --noted {noted}",
        )
    chain = _check(lake, entries, noted) if verify else None
    last = entries[-1].hash if entries else None
    if json:
        print_record(HistoryRecord(decisions=_records(entries), head=last, chain=chain))
    elif chain is not None:
        _print_chain(chain)
    elif head:
        if last is None:
            raise NotFound("no decision has a hash yet", code="no_head", hint="`mlops run` makes the first decision")
        print(last)
    else:
        _print_decisions(entries, opened)
    if chain is not None and chain.faults:
        refuse(
            Refused(
                f"the history is not what was written: {chain.faults[0].what}",
                code="history_changed",
                hint="compare with a backup (`mlops restore` into another folder, `mlops history --json` in both)",
            )
        )


def _records(entries: Sequence[Entry]) -> list[LoggedDecision]:
    return [
        msgspec.convert(
            decision.as_dict() | {"number": entry.number, "user": entry.user, "hash": entry.hash}, LoggedDecision
        )
        for entry, decision in zip(entries, decisions_of(entries), strict=True)
    ]


def _print_decisions(entries: Sequence[Entry], project: Project) -> None:
    for entry, decision in zip(entries, decisions_of(entries), strict=True):
        version = "" if decision.version is None else f"v{decision.version}"
        who = decision.by if entry.user in {None, decision.by} else f"{decision.by} (user {entry.user})"
        print(f"{local(decision.at, project)}  {decision.what:<9}  {version:<4}  {decision.rule}, by {who}")
        print_wrapped(decision.reason)


def _check(lake: Lake, entries: Sequence[Entry], noted: str | None) -> ChainRecord:
    faults = [
        FaultRecord(code=fault.code, number=fault.number, what=fault.what) for fault in check_chain(lake, entries)
    ]
    found = next((entry.number for entry in entries if noted is not None and entry.hash == noted), None)
    if noted is not None and found is None:
        what = f"no decision has the noted hash {noted}"
        faults.append(FaultRecord(code="not_noted", number=None, what=what))
    return ChainRecord(
        decisions=len(entries),
        hashed_from=next((entry.number for entry in entries if entry.hash), None),
        head=entries[-1].hash if entries else None,
        noted=found,
        faults=faults,
    )


def _print_chain(chain: ChainRecord) -> None:
    for fault in chain.faults:
        print(fault.what)
    if not chain.faults:
        print(f"{format_count(chain.decisions, 'decision')}: each is as it was written, and none is missing")
        if chain.hashed_from is None and chain.decisions:
            print("an older release wrote them all, without hashes: the chain begins with the next decision")
        elif chain.hashed_from is not None and chain.hashed_from > 1:
            older = format_count(chain.hashed_from - 1, "decision")
            print(f"the first {older} have no hashes: they are as they were when decision {chain.hashed_from} was made")
    if chain.noted is not None:
        print(f"the noted hash is that of decision {chain.noted} of {chain.decisions}")
    elif not chain.faults and chain.head is not None:
        print(
            "who can write the whole lake can also compute all hashes anew: note this one elsewhere, and give it with"
        )
        print(f"`--noted` later: {chain.head}")
