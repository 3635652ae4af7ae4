"""Decisions in the lake: the chain stays true whoever writes, and shows what was done to the table."""

import json
import os
import pwd
import subprocess
import sys
import textwrap
from datetime import UTC, datetime

import polars as pl
import pytest

from mlops_lab.lake import Lake
from mlops_lab.rollout.decision_log import (
    check_chain,
    decisions_of,
    head_path,
    read_decisions,
    read_entries,
    read_head,
    system_user,
    write_decision,
)
from mlops_lab.rollout.decisions import Decision, DecisionKind
from mlops_lab.tables.declared import DECISIONS

DECISION = Decision(datetime(2013, 3, 1, 5, tzinfo=UTC), DecisionKind.RETRAIN, None, "asked", "why", "ada", {"x": 1.5})


def write(lake: Lake, count: int) -> None:
    for number in range(len(read_entries(lake)), count):
        assert write_decision(lake, DECISION, earlier=number)


def codes(lake: Lake) -> list[str]:
    return [fault.code for fault in check_chain(lake, read_entries(lake))]


def write_as_older_release(lake: Lake, count: int) -> None:
    """Rows as they were before there were hashes."""
    schema = {name: dtype for name, dtype in DECISIONS.fixed_schema.items() if name not in {"user", "hash"}}
    row = {"at": DECISION.at, "what": "retrain", "version": None, "rule": "asked", "reason": "why", "by": "ada"}
    for number in range(1, count + 1):
        rows = pl.DataFrame([{**row, "number": number, "evidence": "{}"}], schema=schema)
        assert DECISIONS.append(lake, rows, position=(DECISIONS.name, number))


def test_each_decision_has_its_place_its_user_and_its_hash(tmp_path):
    lake = Lake(tmp_path / "lake")
    assert (read_entries(lake), read_head(lake), codes(lake)) == ([], None, [])
    write(lake, 3)
    entries = read_entries(lake)
    assert [entry.number for entry in entries] == [1, 2, 3]
    assert {entry.user for entry in entries} == {system_user()}
    assert decisions_of(entries) == read_decisions(lake) == [DECISION] * 3
    head = read_head(lake)
    assert head is not None
    assert (head.number, head.hash) == (3, entries[2].hash)
    assert codes(lake) == []


def test_the_user_is_not_what_the_environment_says(monkeypatch):
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    assert system_user() == pwd.getpwuid(os.getuid()).pw_name
    monkeypatch.setattr(os, "getuid", lambda: 987654)
    assert system_user() == "uid 987654"


def test_a_chain_begins_after_decisions_of_an_older_release(tmp_path):
    lake = Lake(tmp_path / "lake")
    write_as_older_release(lake, 2)
    assert codes(lake) == []
    assert [entry.hash for entry in read_entries(lake)] == [None, None]
    write(lake, 4)
    assert [entry.hash is None for entry in read_entries(lake)] == [True, True, False, False]
    assert codes(lake) == []
    lake.rewrite(DECISIONS.name, lambda rows: rows.with_columns(reason=pl.lit("another")))
    assert "changed" in codes(lake)


REASON_OF_2 = pl.when(pl.col("number") == 2).then(pl.lit("another")).otherwise("reason").alias("reason")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda rows: rows.with_columns(REASON_OF_2), ["changed"]),
        (lambda rows: rows.filter(pl.col("number") != 2), ["missing"]),
        (lambda rows: rows.filter(pl.col("number") < 3), ["cut"]),
        (lambda rows: rows.clear(), ["cut"]),
        (lambda rows: rows.with_columns(number=pl.col("number").replace({1: 2, 2: 1})), ["changed", "changed"]),
        (lambda rows: rows.sort("number", descending=True), []),  # the order of rows in the files means nothing
    ],
)
def test_what_is_done_to_the_table_is_found(tmp_path, change, expected):
    lake = Lake(tmp_path / "lake")
    write(lake, 3)
    lake.rewrite(DECISIONS.name, change)
    assert codes(Lake(tmp_path / "lake"))[: len(expected) or None] == expected


def test_the_head_does_not_go_on_over_a_break(tmp_path):
    """Cut off and written anew: the position in the table's log is gone, and the head still shows it."""
    lake = Lake(tmp_path / "lake")
    write(lake, 3)
    head = head_path(lake).read_bytes()
    other = Lake(tmp_path / "other")
    write(other, 2)
    head_path(other).write_bytes(head)
    assert codes(other) == ["cut"]
    assert write_decision(other, Decision(DECISION.at, DecisionKind.REFUSE, None, "r", "", "eve"), earlier=2)
    assert codes(other) == ["head_differs"]
    write(other, 5)
    assert head_path(other).read_bytes() == head
    assert codes(other) == ["head_differs"]


def test_a_head_that_is_missing_is_told_and_made_again(tmp_path):
    lake = Lake(tmp_path / "lake")
    write(lake, 2)
    for content in (None, b"", b'{"number": "x"}'):
        head_path(lake).unlink()
        if content is not None:
            head_path(lake).write_bytes(content)
        assert codes(lake) == ["no_head"]
        write(lake, len(read_entries(lake)) + 1)
        assert codes(lake) == []


def test_a_slower_writer_does_not_take_the_head_back(tmp_path):
    lake = Lake(tmp_path / "lake")
    write(lake, 1)
    older = head_path(lake).read_bytes()
    write(lake, 3)
    assert json.loads(head_path(lake).read_bytes())["number"] == 3
    head_path(lake).write_bytes(older)  # a process that was killed before it kept the head of decision 2
    assert codes(lake) == [], "what the head says is true, and more was decided since"
    write(lake, 4)
    head = read_head(lake)
    assert head is not None
    assert head.number == 4


WRITER = """
    import sys
    from datetime import UTC, datetime
    from pathlib import Path

    from mlops_lab.lake import Lake
    from mlops_lab.rollout.decision_log import read_entries, write_decision
    from mlops_lab.rollout.decisions import Decision, DecisionKind

    lake, name = Lake(Path(sys.argv[1])), sys.argv[2]
    written = 0
    while written < 8:
        decision = Decision(datetime(2013, 3, 1, tzinfo=UTC), DecisionKind.RETRAIN, None, "asked", str(written), name)
        written += write_decision(lake, decision, earlier=len(read_entries(lake)))
"""


def test_the_chain_stays_true_when_processes_decide_at_once(tmp_path):
    names = ["ada", "bob", "eve"]
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(tmp_path / "lake")]
    processes = [subprocess.Popen([*command, name]) for name in names]
    assert [process.wait(timeout=120) for process in processes] == [0, 0, 0]
    lake = Lake(tmp_path / "lake")
    entries = read_entries(lake)
    assert codes(lake) == []
    assert [entry.number for entry in entries] == list(range(1, 25))
    for name in names:
        assert [entry.reason for entry in entries if entry.by == name] == [str(number) for number in range(8)]
    head = read_head(lake)
    assert head is not None
    assert head.number == 24
