"""An id is used once, for ever: also after the days that outcomes may take, and after a restart."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from changing import Shop
from drafts import Draft
from in_process import InProcessServer
from own_stores import own_lake

DAY = timedelta(days=1)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path / "shop", Draft())
    shop.edit(shop.draft)
    assert shop.mlops("run").code == 0
    return shop


def send(server: InProcessServer, path: str, body: dict[str, Any]) -> tuple[int, Any]:
    response = server.send("POST", path, msgspec.json.encode(body), token=server.operate)
    return response.status_code, response.json()


def tell(server: InProcessServer, outcome: dict[str, Any]) -> tuple[str, list[str]]:
    code, response = send(server, "/v1/outcomes", {"outcomes": [outcome]})
    assert code == 200, response
    (verdict,) = [verdict for verdict, count in response["counts"].items() if count]
    return verdict, [problem["code"] for problem in response["problems"]]


@own_lake
def test_what_was_answered_long_ago_is_answered_and_counted_once(shop: Shop) -> None:
    with shop.serving() as server:
        assert isinstance(server, InProcessServer)
        first = shop.draft.request_at(shop.now, 1, "first")
        second = shop.draft.request_at(shop.now, 2, "second")
        assert [send(server, "/v1/predict", row)[0] for row in (first, second)] == [200, 200]
        outcome = shop.draft.outcome_of("first", 1, shop.now + timedelta(hours=5))
        assert tell(server, outcome) == ("accepted", [])
        shop.now += 30 * DAY
        assert send(server, "/v1/predict", shop.draft.request_at(shop.now, 3, "third"))[0] == 200
    for _ in range(2):
        with shop.serving() as server:
            assert isinstance(server, InProcessServer)
            code, error = send(server, "/v1/predict", first)
            assert (code, error["error"]["code"]) == (409, "answered_long_ago")
            assert tell(server, outcome) == ("duplicate", [])
            other = outcome | {"late": not outcome["late"]}
            assert tell(server, other) == ("too_late", ["outcome_too_late"])
            late = shop.draft.outcome_of("second", 2, shop.now)
            assert tell(server, late) == ("too_late", ["outcome_too_late"])
            assert tell(server, late | {"id": "nobody"}) == ("unknown", ["unknown_prediction"])
    status = shop.mlops("status").output
    assert (status["predictions"], status["too_late_outcomes"], status["unknown_outcomes"]) == (3, 4, 2)
    explained = shop.mlops("explain", "first").output
    assert explained["outcome"]["late"] == outcome["late"]
    assert explained["corrected"] == []
    assert shop.mlops("explain", "second").output["outcome"] is None
    assert shop.mlops("explain", "nobody").code != 0
