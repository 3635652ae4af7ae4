"""The decisions in the lake: read in order, appended one by one, each with its place in the hash chain."""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import msgspec
import polars as pl

from mlops_lab.files import disk_fault, locked, write_atomically
from mlops_lab.lake import Lake
from mlops_lab.rollout.decision_chain import Entry, Fault, Head, find_faults, follows, hash_entry, last_hash
from mlops_lab.rollout.decisions import MAX_DAYS, Decision, DecisionKind, RolloutState, apply
from mlops_lab.tables.declared import DECISIONS

_HEAD, _LOCK = "decisions.head.json", "decisions.head.lock"


def read_entries(lake: Lake) -> list[Entry]:
    """Every decision ever made as it is stored, by number."""
    if not DECISIONS.exists(lake):
        return []
    names = [name for name in DECISIONS.fixed_columns if name in lake.schema(DECISIONS.name)]
    return [Entry(**row) for row in DECISIONS.read(lake, columns=names).sort("number").iter_rows(named=True)]


def read_decisions(lake: Lake) -> list[Decision]:
    """Every decision ever made, in order; those of older releases as this one would have written them."""
    return decisions_of(read_entries(lake))


def decisions_of(entries: Iterable[Entry]) -> list[Decision]:
    """The decisions of these entries, as this release would have written them."""
    return as_written_now(
        Decision(
            entry.at,
            DecisionKind(entry.what),
            entry.version,
            entry.rule,
            entry.reason,
            entry.by,
            json.loads(entry.evidence),
        )
        for entry in entries
    )


def as_written_now(decisions: Iterable[Decision]) -> list[Decision]:
    """The decisions, with the kinds of this release: older ones wrote `shadow` for a fresher candidate, and `roll_back`
    by the rule `rollout.max_days` for a rollout that expired. They lead to the same states."""
    state, read = RolloutState(), list[Decision]()
    for decision in decisions:
        if decision.what is DecisionKind.SHADOW and state.stage is DecisionKind.SHADOW:
            decision = replace(decision, what=DecisionKind.SUPERSEDE)
        elif decision.what is DecisionKind.ROLL_BACK and decision.rule == MAX_DAYS and state.challenger is not None:
            decision = replace(decision, what=DecisionKind.EXPIRE)
        state = apply(state, decision)
        read.append(decision)
    return read


def write_decision(lake: Lake, decision: Decision, *, earlier: int) -> bool:
    """Append the decision as the one after the `earlier` already made; False, and nothing is written, where another
    process was faster.

    The hash before it cannot change any more: of two processes that append the same number, one writes nothing.
    """
    entries = read_entries(lake)
    if len(entries) != earlier:
        return False
    entry = Entry(
        number=earlier + 1,
        at=decision.at,
        what=str(decision.what),
        version=decision.version,
        rule=decision.rule,
        reason=decision.reason,
        evidence=json.dumps(decision.evidence, sort_keys=True),
        by=decision.by,
        user=system_user(),
    )
    entry = replace(entry, hash=hash_entry(entry, last_hash(entries)))
    rows = pl.DataFrame([asdict(entry)], schema=DECISIONS.fixed_schema)
    if not DECISIONS.append(lake, rows, position=(DECISIONS.name, entry.number)):
        return False
    _keep_head(lake, [*entries, entry])
    return True


def system_user() -> str:
    """The user of this machine whose process this is. It is not taken from the environment, which anybody can set."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may know no name
        return f"uid {os.getuid()}"


def check_chain(lake: Lake, entries: Sequence[Entry]) -> list[Fault]:
    """What is wrong with the decisions as they are stored: nothing where each is as it was written."""
    return find_faults(entries, head=read_head(lake), written=DECISIONS.position(lake, DECISIONS.name))


def head_path(lake: Lake) -> Path:
    """The file that holds number and hash of the last decision."""
    return lake.path / _HEAD


def read_head(lake: Lake) -> Head | None:
    """The head that was kept; None where there is none, or it cannot be read."""
    try:
        return msgspec.json.decode(head_path(lake).read_bytes(), type=Head)
    except (OSError, msgspec.MsgspecError):
        return None


def witness(lake: Lake) -> None:
    """Keep the last decision as the head of this machine, too, where several share the lake: each is a witness of what
    the others decide."""
    if lake.commits.is_shared and (entries := read_entries(lake)) and entries[-1].hash is not None:
        _keep_head(lake, entries)


def _keep_head(lake: Lake, entries: Sequence[Entry]) -> None:
    """Keep the last of these decisions as the head, unless a later one is kept, or one that is not among them: then
    something was removed, and the head shows it."""
    last = entries[-1]
    assert last.hash is not None
    try:
        with locked(lake.path / _LOCK):
            kept = read_head(lake)
            if kept is None or (kept.number < last.number and follows(entries, kept)):
                write_atomically(head_path(lake), msgspec.json.encode(Head(number=last.number, hash=last.hash)))
    except OSError as error:
        raise disk_fault(error, head_path(lake)) from error
