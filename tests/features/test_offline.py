"""The training side: rows keep their order, and the inputs of a model are as listed."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.features import offline
from mlops_lab.features.aggregates import last, mean
from mlops_lab.features.definition import Features
from mlops_lab.features.offline import compute, look_up, view_values
from mlops_lab.features.view import View

START = datetime(2013, 3, 1, tzinfo=UTC)
MOMENT = pl.Datetime("us", "UTC")
FEATURES = Features(
    inputs=["double", "recent", "shop", "stock"],
    views=[
        View("recent", "orders", by="shop", over="1h", values={"recent": mean("amount")}),
        View("stock", "stock", by="shop", values={"stock": last("items")}),
    ],
    derived={"double": pl.col("recent") * 2},
)


def table(rows, **columns):
    return pl.DataFrame(
        rows,
        schema={"shop": pl.String, "_known_at": MOMENT, "_fact_id": pl.String, **columns},
        orient="row",
    ).with_columns(_seen_at="_known_at")


FACTS = {
    "orders": table(
        [("a", START, "1", 3.0), ("a", START + timedelta(minutes=30), "2", 5.0), ("b", START, "3", 1.0)],
        amount=pl.Float64,
    ),
    "stock": table([("a", None, "a", 9)], items=pl.Int64),
}


def requests(*minutes: tuple[str, int]) -> pl.DataFrame:
    return pl.DataFrame(
        [(shop, START + timedelta(minutes=minute)) for shop, minute in minutes],
        schema={"shop": pl.String, "at": MOMENT},
        orient="row",
    )


def test_the_inputs_are_those_listed_in_their_order():
    inputs = compute(FEATURES, requests(("a", 45), ("b", 1), ("a", 10)), time="at", facts=FACTS)
    assert inputs.columns == ["double", "recent", "shop", "stock"]
    assert inputs.rows() == [(8.0, 4.0, "a", 9), (2.0, 1.0, "b", None), (6.0, 3.0, "a", 9)]


def test_no_rows_or_no_facts_are_no_error():
    empty = {name: frame.clear() for name, frame in FACTS.items()}
    assert compute(FEATURES, requests(), time="at", facts=FACTS).height == 0
    assert compute(FEATURES, requests(("a", 1)), time="at", facts=empty).rows() == [(None, None, "a", None)]


@pytest.mark.parametrize("shops", [254, 255, 256, 257])
def test_an_unknown_text_key_has_no_facts_however_many_keys_there_are(shops: int) -> None:
    """Keys are numbered with as few bits as needed: the number of an unknown key must not be one of theirs."""
    view = View("stock", "stock", by="shop", values={"stock": last("items")}, missing={"stock": -1})
    facts = table([(f"s{shop}", None, f"s{shop}", shop) for shop in range(shops)], items=pl.Int64)
    lookups = requests((f"s{shops - 1}", 1), ("another", 1), (None, 1), ("s0", 1), ("s254", 1))
    assert view_values(view, lookups, time="at", facts=facts)["stock"].to_list() == [
        shops - 1, -1, -1, 0, 254 if shops > 254 else -1
    ]  # fmt: skip


@pytest.mark.parametrize("key", [pl.Int32, pl.Date])
def test_a_key_of_another_type_than_text_finds_its_facts(key: pl.DataType) -> None:
    view = View("stock", "stock", by="shop", values={"stock": last("items")})
    facts = table([("7", None, "7", 70), ("3", None, "3", 30)], items=pl.Int64)
    lookups = requests(("3", 1), ("0", 1), (None, 1), ("7", 1))
    facts, lookups = (frame.with_columns(pl.col("shop").cast(pl.Int32).cast(key)) for frame in (facts, lookups))
    assert view_values(view, lookups, time="at", facts=facts)["stock"].to_list() == [30, None, None, 70]


def test_moments_of_centuries_and_many_entities_find_their_facts():
    """Entity and moment do not fit into one number together: moments are replaced by their rank."""
    view = View("latest", "facts", by="shop", values={"value": last("amount")})
    years = [datetime(year, 1, 1, tzinfo=UTC) for year in (1700, 1970, 2250)]
    rows = [
        (f"s{shop}", moment, f"{shop}-{n}", float(shop * 10 + n))
        for shop in range(700)
        for n, moment in enumerate(years)
    ]
    lookups = [
        (f"s{shop}", moment + timedelta(microseconds=late))
        for shop in (0, 5, 699)
        for moment in years
        for late in (0, 1)
    ]
    frame = pl.DataFrame(lookups, schema={"shop": pl.String, "at": MOMENT}, orient="row")
    values = view_values(view, frame, time="at", facts=table(rows, amount=pl.Float64))
    seen = [None, 0, 0, 1, 1, 2]
    assert values["value"].to_list() == [None if n is None else shop * 10.0 + n for shop in (0, 5, 699) for n in seen]


def test_without_views_the_rows_are_left_as_they_are():
    rows = requests(("a", 1))
    assert look_up(Features(inputs=["shop"]), rows, time="at", facts={}).equals(rows)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(-10, 100)), max_size=20), st.data())
def test_a_row_has_the_same_inputs_beside_any_other_rows(lookups, data):
    together = compute(FEATURES, requests(*lookups), time="at", facts=FACTS).rows()
    order = data.draw(st.permutations(range(len(lookups))))
    shuffled = compute(FEATURES, requests(*[lookups[index] for index in order]), time="at", facts=FACTS).rows()
    assert [together[index] for index in order] == shuffled


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_the_facts_does_not_matter(seed):
    lookups = requests(("a", 45), ("b", 1), ("a", 10))
    mixed = {name: frame.sample(fraction=1, shuffle=True, seed=seed) for name, frame in FACTS.items()}
    assert compute(FEATURES, lookups, time="at", facts=mixed).equals(compute(FEATURES, lookups, time="at", facts=FACTS))


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "z", None]), st.integers(0, 120)), max_size=12), st.integers(1, 5))
def test_batches_give_the_same_inputs_as_all_rows_batch_rows(lookups, batch_rows):
    moments = [START + timedelta(minutes=minute) for _, minute in lookups]
    rows = pl.DataFrame(
        {"shop": [shop for shop, _ in lookups], "at": moments}, schema={"shop": pl.String, "at": MOMENT}
    )
    whole = compute(FEATURES, rows, time="at", facts=FACTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(offline, "ROWS_PER_BATCH", batch_rows)
        assert compute(FEATURES, rows, time="at", facts=FACTS).equals(whole)


def test_a_field_with_the_name_of_a_value_does_not_take_its_place():
    rows = requests(("a", 45), ("b", 1)).with_columns(stock=pl.lit("another"))
    assert compute(FEATURES, rows, time="at", facts=FACTS)["stock"].to_list() == [9, None]
    assert offline.FactIndex(FEATURES.views, FACTS).inputs(FEATURES, rows, time="at")[0]["stock"].to_list() == [9, None]
