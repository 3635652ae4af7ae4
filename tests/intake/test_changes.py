"""What is new, changed and gone in the data of a table since it was loaded."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from served_facts import read_served_facts

from mlops_lab.clock import EPOCH
from mlops_lab.errors import Refused
from mlops_lab.intake.changes import find_changes, without_submitted
from mlops_lab.intake.sources import load_sources
from mlops_lab.lake import Lake
from mlops_lab.project import load_project
from mlops_lab.tables.facts import read_facts, read_labelled
from mlops_lab.tables.open_lake import open_lake

LATER = EPOCH + timedelta(days=1)
STORED = pl.DataFrame({"id": ["a", "b", "c"], "size": [1, 2, None], "late": [True, False, None]})


@pytest.fixture
def lake(tmp_path) -> Lake:
    lake = Lake(tmp_path)
    lake.append("orders", STORED)
    return lake


def load(small, *, accept_changes: bool = False, received_at: datetime = LATER) -> bool:
    return load_sources(small.project, small.lake, now=EPOCH, received_at=received_at, accept_changes=accept_changes)


def test_equal_rows_in_another_order_are_no_change(lake):
    changes = find_changes(lake, "orders", STORED.reverse(), key=["id"])
    assert (changes.added.height, changes.changed.height, changes.filled.height, changes.gone.height) == (0, 0, 0, 0)


def test_new_changed_and_gone_rows_are_counted(lake):
    now = pl.DataFrame({"id": ["a", "c", "d"], "size": [1, 5, 6], "late": [False, True, True]})
    changes = find_changes(lake, "orders", now, key=["id"])
    assert changes.added["id"].to_list() == ["d"]
    assert changes.changed["id"].to_list() == ["a", "c"]
    assert changes.changed_columns == {"size": 1, "late": 2}
    assert changes.gone["id"].to_list() == ["b"]
    assert str(changes.counts) == "2 rows were changed (size in 1, late in 2), 1 are not in it any more, 1 are new"


def test_a_column_that_was_made_up_is_not_compared(lake):
    changes = find_changes(lake, "orders", STORED.with_columns(size=pl.lit(9)), key=["id"], ignored=["size"])
    assert changes.changed.height == 0


def test_values_in_a_new_column_change_nothing_that_was_known(lake):
    changes = find_changes(lake, "orders", STORED.with_columns(promo=pl.Series(["x", None, "y"])), key=["id"])
    assert (changes.changed.height, changes.filled["id"].to_list()) == (0, ["a", "c"])


def test_rows_whose_outcome_was_submitted_are_not_loaded_again(lake):
    new = pl.DataFrame({"id": ["d", "e", "f", "g"], "size": [1] * 4, "late": [True, True, True, False]})
    changes = find_changes(lake, "orders", pl.concat([STORED, new]), key=["id"])
    outcomes = pl.DataFrame(
        {
            "id": ["d", "e", "e", "g"],
            "verdict": ["accepted", "accepted", "corrected", "accepted"],
            "known_at": [EPOCH, EPOCH, LATER, EPOCH],
            "late": [True, True, False, True],
        }
    )
    changes = without_submitted(changes, outcomes, key="id", compared=["late"])
    assert changes.added["id"].to_list() == ["f"]
    assert changes.changed["id"].to_list() == ["g"], "the data may still have what was corrected by an outcome"
    assert changes.changed_columns == {"late": 1}


def test_changed_rows_are_refused_with_their_numbers_and_nothing_is_loaded(small):
    load(small)
    versions = {table: small.lake.version(table) for table in small.lake.tables()}
    small.write(orders=small.orders.with_columns(late=~pl.col("late")))
    with pytest.raises(
        Refused, match=r"10 rows were changed \(late in 10\), 0 are not in it any more, 0 are new"
    ) as caught:
        load(small)
    assert caught.value.code == "data_changed"
    assert "--accept-changes" in str(caught.value.hint)
    assert {table: small.lake.version(table) for table in small.lake.tables()} == versions


def test_accepted_changes_count_from_then_on_and_history_stays(small):
    load(small)
    before = read_labelled(small.project, small.lake)
    small.write(orders=small.orders.with_columns(late=~pl.col("late")))
    moment = datetime(2013, 5, 1, tzinfo=UTC)
    assert load(small, accept_changes=True, received_at=moment) is True
    assert load(small, accept_changes=True, received_at=moment) is False  # the same data again
    now = read_labelled(small.project, small.lake)
    assert now["late"].to_list() == (~before["late"]).to_list()
    assert now.drop("late").equals(before.drop("late"))  # the same rows, known at the same moments
    assert read_labelled(small.project, small.lake, until=moment - timedelta(minutes=1)).equals(before)
    served = read_served_facts(small.project, small.lake)["orders"]
    assert served.height == 30
    assert served["_weight"].sum() == 10
    assert served.filter(pl.col("_weight") < 0)["late"].to_list() == before["late"].to_list()
    assert served.filter(pl.col("_weight") < 0)["_seen_at"].unique().to_list() == [moment]


@pytest.mark.parametrize(("on_change", "is_changed"), [("correct", True), ("ignore", False)])
def test_a_table_may_decide_it_for_good(make_small, on_change, is_changed):
    small = make_small(("[tables.stock]\n", f'[tables.stock]\non_change = "{on_change}"\n'))
    load(small)
    small.write(stock=small.stock.with_columns(items=pl.col("items") + 1))
    assert load(small) is is_changed
    facts = read_facts(small.project, small.lake)["stock"].sort("known_at", "shop")
    expected = small.stock.sort("known_at", "shop")["items"] + (1 if is_changed else 0)
    assert facts["items"].to_list() == expected.to_list()


def test_rows_that_are_gone_are_asked_for_and_then_do_not_count_any_more(small):
    load(small)
    before, moment = read_labelled(small.project, small.lake), datetime(2013, 5, 1, tzinfo=UTC)
    small.write(orders=small.orders.head(7))
    with pytest.raises(Refused, match="0 rows were changed, 3 are not in it any more, 0 are new"):
        load(small)
    assert load(small, accept_changes=True, received_at=moment) is True
    assert load(small) is False  # accepted once
    gone = small.orders.tail(3)["order_id"].to_list()
    assert read_labelled(small.project, small.lake)["_fact_id"].to_list() == [
        name for name in before["_fact_id"] if name not in gone
    ]
    assert read_labelled(small.project, small.lake, until=moment - timedelta(minutes=1)).equals(before)
    served = read_served_facts(small.project, small.lake)["orders"]
    assert served.filter(pl.col("_weight") < 0).select("_fact_id", "_seen_at").rows() == [
        (name, moment) for name in gone
    ]
    small.write(orders=small.orders)
    with pytest.raises(Refused, match="3 rows were changed, 0 are not in it any more"):
        load(small)
    assert load(small, accept_changes=True, received_at=moment + timedelta(days=1)) is True
    assert read_labelled(small.project, small.lake).equals(before)


def test_a_row_that_is_set_aside_now_is_not_gone(make_small):
    small = make_small(("[gates]", "[contract]\nmax_quarantined_share = 0.5\n\n[gates]"))
    load(small)
    shop = pl.when(pl.int_range(pl.len()) == 3).then(None).otherwise("shop").alias("shop")
    small.write(orders=small.orders.with_columns(shop))
    assert load(small) is False
    assert read_labelled(small.project, small.lake).height == 10


def test_a_sent_correction_does_not_change_what_the_data_says(small):
    """The file still has the old value of a row that was corrected by a request."""
    load(small)
    sent = {"received_at": LATER, "received_as": "sent_correction"}
    row = (
        small.lake.read("stock")
        .head(1)
        .with_columns(items=pl.lit(77), **{name: pl.lit(value) for name, value in sent.items()})
    )
    small.lake.append("stock", row)
    assert load(small) is False
    facts = read_facts(small.project, small.lake)["stock"]
    assert facts["items"].to_list().count(77) == 1


def test_a_column_that_is_added_to_data_and_contract_is_there_at_once(small):
    load(small)
    root = small.project.root
    text = (root / "mlops.toml").read_text()
    (root / "mlops.toml").write_text(text.replace('shop = "string"', 'shop = "string"\npromo = "string?"', 1))
    small.write(orders=small.orders.with_columns(promo=pl.lit("x")))
    project = load_project(root)
    lake = open_lake(project)
    assert read_labelled(project, lake)["promo"].null_count() == 10
    assert load_sources(project, lake, now=EPOCH, received_at=LATER) is True
    labelled = read_labelled(project, lake)
    assert labelled["promo"].to_list() == ["x"] * 10
    assert labelled["_seen_at"].equals(labelled["_known_at"], check_names=False)  # as before
