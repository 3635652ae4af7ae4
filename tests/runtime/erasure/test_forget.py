"""A person is forgotten: no byte that names the person is left, what others need is, and a kill only delays it."""

import os
import time
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import msgspec
import polars as pl
import pytest
from slow import mostly_slow

from mlops_lab.alerts.alert import Alert
from mlops_lab.alerts.channels.run import send_alerts
from mlops_lab.clock import now
from mlops_lab.errors import InvalidInput, Refused
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.journal.records import (
    FactRecord,
    OutcomeRecord,
    PredictionRecord,
    RefusalRecord,
    SetAsideRecord,
    ShadowRecord,
    encode_frame,
)
from mlops_lab.journal.workers import worker_path
from mlops_lab.journal.writer import Journal
from mlops_lab.loop import erasures
from mlops_lab.loop.erasures import facts_erased, read_erasures
from mlops_lab.loop.holds import place_hold, release_hold
from mlops_lab.loop.tick import Loop
from mlops_lab.loop.upkeep import keep_tables_small
from mlops_lab.monitoring.log_check import check_log
from mlops_lab.project.owners import Role, take_role
from mlops_lab.rollout.decision_log import write_decision
from mlops_lab.rollout.decisions import Decision, DecisionKind
from mlops_lab.runtime.erasure import forget as module
from mlops_lab.runtime.erasure.forget import find_traces, forget
from mlops_lab.tables.declared import ALERTS, ERASURES
from mlops_lab.tables.open_lake import open_lake

SECRET, OTHER = "K4711", "K4712"
AT = datetime(2013, 3, 1, 5, tzinfo=UTC)
PIPELINE = """
import polars as pl
from mlops_lab.features import Features, View, last

features = Features(
    views=[View("stock", "stock", by={"customer": "shop"}, values={"items": last("items")})], inputs=["amount", "items"]
)

def model():
    return None
"""
KILLED_AT = ["note_erasure", "erase_records", "erase_pinned", "delete_rows", "write_checkpoint", "index_ids", "deploy"]


def request_of(customer: str) -> dict:
    return {"asked_at": AT, "customer": customer, "shop": "a", "amount": 2.5, "express": True}


def records_of(customer: str, number: int) -> list:
    """What a server writes down about a customer: one record of each kind; ids do not name the customer."""
    name = f"{'s' if customer == SECRET else 'o'}{number}"
    prediction = PredictionRecord(name, AT, 1, "champion", 0.25, request_of(customer), {"items": 3.0})
    return [
        prediction,
        ShadowRecord(name, AT, 2, 0.5),
        RefusalRecord(f"{name} refused", AT, 1, "stock", "unknown", request_of(customer)),
        OutcomeRecord(name, AT, "accepted", {"late": True, "minutes": 20.0}, prediction),
        OutcomeRecord(name, AT, "conflict", {"late": False, "minutes": 21.0}, None),
        FactRecord("stock", {"shop": customer, "known_at": AT, "items": float(number)}),
        SetAsideRecord(AT, "orders", "range", "amount", "min 0", f'{{"customer": "{customer}", "amount": -1}}'),
    ]


def orders(customer: str, numbers: range) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "order_id": f"{customer[-1]}-{number}",
                **request_of(customer),
                "known_at": AT,
                "late": True,
                "minutes": 1.0,
            }
            for number in numbers
        ]
    )


def register(project, lake, *, version: int) -> None:
    """A version that was trained on the tables as they are."""
    package = project.mlflow_path / "artifacts" / str(version) / "artifacts" / "model"
    package.mkdir(parents=True)
    tables = [{"table": name, "version": lake.version(name)} for name in ("orders", "stock", "outcomes")]
    (package / "lineage.json").write_bytes(msgspec.json.encode({"snapshots": tables}))
    evidence = {"package": str(package.relative_to(project.root)), "fingerprint": "none"}
    write_decision(
        lake, Decision(AT, DecisionKind.REFUSE, version, "gates", "refused", "loop", evidence), earlier=version - 1
    )


@pytest.fixture
def project(tmp_path, write_project):
    (tmp_path / "project").mkdir()
    project = write_project(tmp_path / "project")
    project.pipeline_path.write_text(PIPELINE)
    return project


@pytest.fixture
def journal(project):
    """That of a server that is running."""
    journal = Journal(worker_path(project.journal_path, 0), reserve_bytes=1 << 16)
    yield journal
    journal.close()


@pytest.fixture
def lake(project, journal):
    """Rows of two customers everywhere; version 1 has seen those of both, version 2 also the later ones."""
    lake = open_lake(project)
    for number in range(2):
        lake.append("orders", orders(SECRET, range(number, number + 1)), time="known_at")
        lake.append("orders", orders(OTHER, range(number, number + 1)), time="known_at")
        journal.append([encode_frame([*records_of(OTHER, number), *records_of(SECRET, number)])])
        journal.sync()
        ingest_journal(project, lake)
        register(project, lake, version=number + 1)
    places = [f"view stock, customer={customer}, {AT.isoformat()}, prediction p" for customer in (SECRET, OTHER)]
    send_alerts(
        project, lake, [Alert(AT, "parity", "served otherwise", place, "look") for place in places], position=None
    )
    return lake


def everything_of(lake, customer: str) -> dict[str, int]:
    """The rows that name a customer, by table: also in old versions, and in what is stored as text."""
    found = {}
    for name in lake.tables():
        cells = lake.read(name, as_stored=True).select(pl.all().cast(pl.String, strict=False))
        if rows := cells.filter(
            pl.any_horizontal(pl.all().str.contains(customer, literal=True).fill_null(value=False))
        ).height:
            found[name] = rows
    return found


def bytes_left(project, value: str) -> list[Path]:
    return [path for path in project.home.rglob("*") if path.is_file() and value.encode() in path.read_bytes()]


def let_time_pass(project, monkeypatch) -> None:
    """An hour and a bit, for the age of files as for what is due."""
    for path in project.lake_path.rglob("*"):
        if path.is_file():
            os.utime(path, (time.time() - 4000, time.time() - 4000))
    later = now() + timedelta(seconds=4000)
    with monkeypatch.context() as patch:
        patch.setattr(erasures.clock, "now", lambda: later)
        keep_tables_small(project, open_lake(project), (), now=later)


def test_nothing_is_left_of_the_person_and_all_of_the_others(project, lake, journal, monkeypatch):
    before = everything_of(lake, OTHER)
    traces, erasure = forget(project, SECRET, by="ann")
    assert traces.rows == {
        **dict.fromkeys(("orders", "stock", "shadows", "predictions", "refusals", "quarantine"), 2),
        "outcomes": 4,
        "alerts": 1,
    }
    assert traces.old_rows == {"orders": 3, "stock": 3, "outcomes": 6}
    assert (traces.records, traces.versions) == (14, [1, 2])
    lake = open_lake(project)
    assert everything_of(lake, SECRET) == {}
    assert everything_of(lake, OTHER) == before
    assert not {"s0", "s1"} & {*lake.read("shadows")["id"], *lake.read("outcomes")["id"]}
    assert lake.read("orders", version=1)["customer"].to_list() == [OTHER]  # what version 1 was trained on
    assert (check_log(lake).problems, check_log(lake).rows) == ([], 6)
    assert erasure is not None
    journal.append([encode_frame(records_of(OTHER, 7))])  # the server goes on
    journal.sync()
    ingest_journal(project, lake)
    assert "o7" in {*lake.read("predictions")["id"]}
    assert bytes_left(project, SECRET)  # kept copies
    let_time_pass(project, monkeypatch)
    assert bytes_left(project, SECRET) == []
    assert [item.event for item in read_erasures(open_lake(project))] == ["finished"]
    assert open_lake(project).read("orders", version=1)["customer"].to_list() == [OTHER]
    assert check_log(open_lake(project)).problems == []


def test_the_record_says_how_much_and_never_what(project, lake):
    _, erasure = forget(project, SECRET, by="ann")
    assert erasure is not None
    rows = ERASURES.read(open_lake(project)).sort("number").to_dicts()
    assert [row["event"] for row in rows] == ["begun", "erased"]
    assert {row["by"] for row in rows} == {"ann"}
    assert msgspec.json.decode(rows[1]["rows"])["orders (old versions)"] == 3
    assert msgspec.json.decode(rows[1]["versions"]) == [1, 2]
    assert SECRET not in repr(rows)
    assert (project.home / "erasure.key").stat().st_mode & 0o077 == 0
    assert rows[0]["due"] is None
    assert timedelta(minutes=59) < rows[1]["due"] - rows[1]["at"] <= timedelta(hours=1)
    assert facts_erased(open_lake(project), source="orders")["orders"] == rows[1]["at"]
    again, nothing = forget(project, SECRET, by="ann")
    assert (again.is_empty, nothing) == (True, None)


@pytest.mark.parametrize(
    "killed_at", mostly_slow(product(KILLED_AT, (1, 2)), quick=[("delete_rows", 2), ("index_ids", 1)])
)
def test_after_a_kill_it_goes_on_when_it_is_asked_for_again(project, lake, monkeypatch, killed_at):
    step, call = killed_at
    own, calls = getattr(module, step), []

    def kill(*arguments, **options):
        calls.append(options)
        if len([one for one in calls if not one.get("dry_run")]) == call:
            raise KeyboardInterrupt
        return own(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(module, step, kill)
        killed = False
        try:
            forget(project, SECRET, by="ann")
        except KeyboardInterrupt:
            killed = True
    assert killed or call == 2
    if killed and read_erasures(open_lake(project)):
        keep_tables_small(project, open_lake(project), (), now=now())
        assert ALERTS.read(open_lake(project))["what"].str.contains("interrupted").sum() == 1
    assert check_log(open_lake(project)).problems == []
    forget(project, SECRET, by="ann")
    lake = open_lake(project)
    assert everything_of(lake, SECRET) == {}
    assert check_log(lake).problems == []
    assert find_traces(project, SECRET).is_empty
    (record,) = read_erasures(lake)
    assert (record.event, record.versions, record.rows["orders"]) == ("erased", [1, 2], 2)


def test_without_yes_nothing_is_erased(project, lake):
    before = everything_of(lake, SECRET)
    traces = find_traces(project, SECRET)
    assert (traces.rows["orders"], traces.versions, traces.in_data) == (2, [1, 2], {})
    assert everything_of(open_lake(project), SECRET) == before
    assert not ERASURES.exists(open_lake(project))


def test_a_legal_hold_is_in_the_way(project, lake):
    hold = place_hold(project, lake, "orders@2", now=now(), by="bob", reason="case 1")
    before = everything_of(lake, SECRET)
    with pytest.raises(Refused, match="case 1"):
        forget(project, SECRET, by="ann")
    assert everything_of(open_lake(project), SECRET) == before
    assert not ERASURES.exists(open_lake(project))
    release_hold(lake, hold.hold, now=now(), by="bob", reason="closed")
    forget(project, SECRET, by="ann")


def test_rows_in_the_projects_data_are_in_the_way(project, lake):
    (project.root / "data").mkdir()
    data = pl.concat([orders(SECRET, range(1)), orders(OTHER, range(2))])
    data.write_parquet(project.root / "data" / "orders.parquet")
    with pytest.raises(Refused, match="1 of orders"):
        forget(project, SECRET, by="ann")
    data[1:].write_parquet(project.root / "data" / "orders.parquet")
    forget(project, SECRET, by="ann")


def test_a_loop_at_work_is_not_met(project, lake, monkeypatch):
    monkeypatch.setattr(module, "_WAIT_SECONDS", 0.1)
    with take_role(project, Role.LOOP), pytest.raises(Refused, match="at work"):
        forget(project, SECRET, by="ann")
    assert not ERASURES.exists(open_lake(project))


def test_a_field_that_is_not_there_is_an_error(project, lake, write_project):
    with pytest.raises(InvalidInput, match='"nope" is no request field'):
        forget(project, SECRET, column="nope", by="ann")
    without_key = write_project(project.root, ('key = "customer"\n', ""))
    with pytest.raises(InvalidInput) as caught:
        forget(without_key, SECRET, by="ann")
    assert caught.value.code == "no_key"


def test_a_tick_goes_on_after_it(project, lake):
    forget(project, SECRET, by="ann")
    Loop(project).tick(AT + timedelta(hours=1))
    assert check_log(open_lake(project)).problems == []
