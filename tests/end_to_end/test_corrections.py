"""Corrections, from a server, from files and by command: what was known then stays, and what is known now counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from changing import Shop
from drafts import Draft
from in_process import InProcessServer

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop with a live version, whose table `shops` may be corrected. Never change it."""
    shop = Shop(tmp_path_factory.mktemp("shop") / "old", Draft())
    shop.edit(shop.draft)
    config = shop.folder / "mlops.toml"
    config.write_text(config.read_text().replace("[tables.shops]\n", '[tables.shops]\non_change = "correct"\n'))
    assert shop.mlops("run").code == 0
    return shop


@pytest.fixture
def shop(live: Shop, tmp_path: Path) -> Shop:
    return live.copy(tmp_path / "shop")


def send(server: InProcessServer, path: str, body: dict[str, Any]) -> dict[str, Any]:
    response = server.send("POST", path, msgspec.json.encode(body), token=server.operate)
    assert response.status_code == 200, response.text
    return dict(response.json())


def correct_outcome(shop: Shop, server: InProcessServer, name: str) -> dict[str, int]:
    """Say the opposite about a request, later."""
    shop.now += timedelta(minutes=20)
    earlier = shop.outcomes[name]
    row = {**earlier, "known_at": shop.now.isoformat(), "late": not earlier["late"], "hours": earlier["hours"] + 50}
    counts: dict[str, int] = send(server, "/v1/outcomes", {"outcomes": [row]})["counts"]
    return {verdict: count for verdict, count in counts.items() if count}


def test_a_corrected_outcome_counts_from_then_on_and_the_past_stays(shop: Shop) -> None:
    with shop.serving() as server:
        assert isinstance(server, InProcessServer)
        assert {*shop.ask(server, 6), *shop.tell(server, 6)} == {200}
        shop.now += DAY
        assert shop.mlops("tick", "--at", shop.now.isoformat()).code == 0
        before = shop.mlops("status").output["performance"]["last_day"]
        assert "first_known" not in before
        assert correct_outcome(shop, server, "r1") == {"corrected": 1}
        assert correct_outcome(shop, server, "r2") == {"corrected": 1}
        assert shop.ask(server, 3) == [200] * 3  # with the corrected hours in their features
        shop.now += DAY
        assert shop.mlops("tick", "--at", shop.now.isoformat()).code == 0
    after = shop.mlops("status").output["performance"]["last_day"]
    assert after["at"] == before["at"]
    assert after["first_known"] == before["value"] != after["value"]
    explained = shop.mlops("explain", "r1").output
    assert explained["outcome"]["late"] is not shop.outcomes["r1"]["late"]
    assert [outcome["late"] for outcome in explained["corrected"]] == [shop.outcomes["r1"]["late"]]
    check_parity(shop)


def check_parity(shop: Shop) -> None:
    """All that was served is what the definition gives, in this process and in one that starts anew."""
    for _ in range(2):
        verified = shop.mlops("features", "verify")
        assert (verified.code, verified.output["differing"]) == (0, 0)
        assert verified.output["predictions"] == len(shop.requests)
        with shop.serving() as server:
            assert isinstance(server, InProcessServer)
            assert shop.ask(server, 2) == [200] * 2
        assert shop.mlops("status").code == 0


def test_a_corrected_row_of_a_table_counts_from_when_it_was_received(shop: Shop) -> None:
    with shop.serving() as server:
        assert isinstance(server, InProcessServer)
        shop.ask(server, 6)
        for name, size in (("a", 1001), ("b", 1002), ("c", 1003)):
            accepted = send(server, "/v1/tables/shops/rows", {"rows": [{"shop": name, "size": size, "town": "a"}]})
            assert accepted["accepted"] == 1
        shop.ask(server, 6)
    assert shop.mlops("tick").code == 0
    served = shop.lake.read("predictions").sort("at")["size"].to_list()
    assert all(size is None or size < 1000 for size in served[:6])
    assert all(size > 1000 for size in served[6:])
    check_parity(shop)


def flip(shop: Shop, count: int) -> None:
    """Change the labels of the first rows of the data file."""
    path = shop.folder / "data/orders.parquet"
    orders = pl.read_parquet(path)
    is_first = pl.int_range(pl.len()) < count
    orders.with_columns(pl.when(is_first).then(~pl.col("late")).otherwise("late").alias("late")).write_parquet(path)


def remove(shop: Shop, count: int) -> None:
    path = shop.folder / "data/orders.parquet"
    orders = pl.read_parquet(path)
    orders[count:].write_parquet(path)


@pytest.mark.parametrize(
    ("change", "told"), [(flip, "30 rows were changed (late in 30)"), (remove, "30 are not in it any more")]
)
def test_a_changed_file_is_told_in_numbers_and_asked_for(
    shop: Shop, change: Callable[[Shop, int], None], told: str
) -> None:
    before = shop.decided()
    change(shop, 30)
    refused = shop.mlops("run")
    assert refused.error is not None
    assert (refused.code, refused.error["code"]) == (1, "data_changed")
    assert told in refused.error["what"]
    assert "--accept-changes" in refused.error["hint"]
    assert shop.decided() == before
    accepted = shop.mlops("run", "--accept-changes").output
    assert accepted["rule"] != "identical"
    again = shop.mlops("run")
    assert again.error is None or again.error["code"] == "rollout_under_way", "the changes are accepted once"
    with shop.serving() as server:
        assert isinstance(server, InProcessServer)
        shop.ask(server, 6)
    assert shop.mlops("tick").code == 0
    check_parity(shop)
