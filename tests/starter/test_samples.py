"""The sample tables: always the same, and each becomes a project."""

from __future__ import annotations

import hashlib

import pytest

from mlops_lab.errors import NotFound
from mlops_lab.starter.analyse import analyse_table
from mlops_lab.starter.samples import SAMPLES, find_sample, read_sample

SHOP = "f454fc4991b6a13dbc20922fae99157b0575dc8fd056f738c148e6d0f1beec72"


def test_the_shop_is_the_same_on_every_machine() -> None:
    text = SAMPLES["shop"].write()
    assert hashlib.sha256(text.encode()).hexdigest() == SHOP
    assert len(text) < 250_000


def test_the_shop_has_what_a_real_table_has() -> None:
    shop = SAMPLES["shop"]
    found = analyse_table(read_sample(shop), shop.options)
    roles = {item.column.name: item.role for item in found.columns}
    assert [name for name, role in roles.items() if role in {"id", "time", "known_at", "target"}] == [
        "order_id",
        "ordered_at",
        "known_at",
        "late",
    ]
    assert (found.task, found.key, found.set_aside) == ("binary", "customer", 0)
    assert {"category", "number"} <= set(roles.values())
    assert [item.column.name for item in found.columns if item.column.missing] == ["weight_kg"]


def test_the_irises_are_those_of_fisher() -> None:
    flowers = read_sample(SAMPLES["iris"])
    assert flowers.height == 150
    assert flowers.row(0) == (5.1, 3.5, 1.4, 0.2, "setosa")
    assert flowers["species"].n_unique() == 3


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_says_where_its_data_is_from(name: str) -> None:
    assert find_sample(name).origin.startswith("Its data is ")


def test_an_unknown_sample_is_refused() -> None:
    with pytest.raises(NotFound) as caught:
        find_sample("titanic")
    assert "shop, iris" in (caught.value.hint or "")
