"""Facts from a file where no server runs: accepted once, set aside where they break the contract, and replayed."""

import shutil
from pathlib import Path

import pytest

from mlops_lab.errors import Conflict, InvalidInput, NotFound
from mlops_lab.intake.deliver import deliver_facts, deliver_outcomes, deliver_rows, replay_quarantine
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.intake.quarantine import waiting
from mlops_lab.lake import Lake
from mlops_lab.project import Project, load_project
from mlops_lab.rollout.decision_log import write_decision
from mlops_lab.rollout.decisions import Decision, DecisionKind
from mlops_lab.tables.facts import read_labelled

NEW = ["shop,known_at,items", "a,2013-03-22T05:00:00Z,7", "b,2013-03-22T05:00:00Z,8"]


@pytest.fixture
def live(tiny, tmp_path: Path) -> Project:
    """A copy of the small project with its model as version 1, and no server."""
    root = Path(shutil.copytree(tiny.project.root, tmp_path / "project"))
    evidence = {"package": "package", "fingerprint": tiny.fingerprint}
    project = load_project(root)
    decision = Decision(tiny.now, DecisionKind.BOOTSTRAP, 1, "gates", "good", "test", evidence)
    write_decision(Lake(project.lake_path), decision, earlier=0)
    return project


def file_of(project: Project, *lines: str) -> Path:
    path = project.root / "delivered.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def stock_rows(project: Project) -> int:
    lake = Lake(project.lake_path)
    ingest_journal(project, lake)
    return lake.read("stock").height


def test_facts_are_accepted_once(live):
    before = stock_rows(live)
    file = file_of(live, *NEW)
    assert deliver_facts(live, "stock", file) == {"accepted": 2, "duplicate": 0}
    assert deliver_facts(live, "stock", file) == {"accepted": 0, "duplicate": 2}
    assert stock_rows(live) == before + 2


def test_a_row_that_breaks_the_contract_is_set_aside_and_the_others_accepted(live):
    result = deliver_facts(live, "stock", file_of(live, *NEW, ",2013-03-22T06:00:00Z,9"))
    assert (result["accepted"], result["quarantined"], len(result["problems"])) == (2, 1, 1)
    assert waiting(Lake(live.lake_path))["table"].to_list() == ["stock"]


def test_rows_that_keep_the_contract_by_now_are_brought_in(live):
    before = stock_rows(live)
    config = live.root / "mlops.toml"
    text = config.read_text()
    config.write_text(text.replace('items = "float?"', 'items = "float"'))
    strict = load_project(live.root)
    result = deliver_facts(strict, "stock", file_of(live, *NEW, "c,2013-03-22T06:00:00Z,"))
    assert (result["accepted"], result["quarantined"]) == (2, 1)
    assert replay_quarantine(strict, by="anna") == {}
    config.write_text(text)
    assert replay_quarantine(live, by="anna") == {"stock": 1}
    assert replay_quarantine(live, by="anna") == {}
    assert stock_rows(live) == before + 3


def test_a_table_must_take_rows(live):
    with pytest.raises(NotFound) as caught:
        deliver_facts(live, "gone", file_of(live, *NEW))
    assert caught.value.code == "unknown_table"
    assert "orders, stock" in caught.value.hint


def test_requests_that_nobody_answered_become_rows_of_the_source(live):
    order = "o1,2013-03-22T05:00:00Z,,a,,true,2013-03-22T06:00:00Z,true,"
    columns = "order_id,asked_at,customer,shop,amount,express,known_at,late,minutes"
    file = file_of(live, columns, f"new-{order}", order.replace("o1", "o01999"))
    with pytest.raises(Conflict) as caught:
        deliver_facts(live, "orders", file)
    assert caught.value.code == "conflicting_fact", "an order of that id was loaded with other values"
    file = file_of(live, columns, f"new-{order}")
    assert deliver_facts(live, "orders", file) == {"accepted": 1, "duplicate": 0}
    assert deliver_facts(live, "orders", file) == {"accepted": 0, "duplicate": 1}
    lake = Lake(live.lake_path)
    ingest_journal(live, lake)
    (row,) = lake.read("orders").filter(order_id="new-o1").rows(named=True)
    assert (row["shop"], row["late"], row["minutes"]) == ("a", True, None)
    assert row["known_at"].isoformat() == "2013-03-22T06:00:00+00:00"
    assert "new-o1" in read_labelled(live, lake)["_fact_id"], "training uses it"
    assert deliver_facts(live, "orders", file) == {"accepted": 0, "duplicate": 1}, "also with a state of the lake"


def test_a_row_of_the_wrong_type_is_refused_and_nothing_is_accepted(live):
    before = stock_rows(live)
    with pytest.raises(InvalidInput) as caught:
        deliver_rows(live, "stock", [{"shop": "a", "known_at": "2013-03-22T05:00:00Z", "items": "many"}])
    assert caught.value.code == "invalid_rows"
    assert stock_rows(live) == before


def test_outcomes_of_unknown_predictions_are_counted_and_named(live):
    file = file_of(live, "id,known_at,late", "stranger,2013-03-22T05:00:00Z,true")
    result = deliver_outcomes(live, file)
    assert result["counts"]["unknown"] == 1
    assert len(result["problems"]) == 1
