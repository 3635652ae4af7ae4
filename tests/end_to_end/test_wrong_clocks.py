"""Clocks that are wrong, of clients, of the machine, and of whoever types: nobody else is answered otherwise for it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from changing import Shop
from drafts import Draft
from in_process import InProcessServer

from mlops_lab import clock

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop with a live version. Never change it."""
    shop = Shop(tmp_path_factory.mktemp("shop") / "old", Draft())
    shop.edit(shop.draft)
    assert shop.mlops("run").code == 0
    return shop


def use_wall_clock(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the shop go by the machine's clock, which says what the shop takes for now."""
    config = shop.folder / "mlops.toml"
    config.write_text(config.read_text().replace('clock = "data"', 'clock = "wall"'))
    monkeypatch.setattr(clock, "now", lambda: shop.now)


@pytest.fixture(params=["wall", "data"])
def shop(live: Shop, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The shop by its own clock, or by that of the machine, which stands a day after its data."""
    shop = live.copy(tmp_path / "shop")
    if request.param == "wall":
        use_wall_clock(shop, monkeypatch)
    return shop


def ask(server: InProcessServer, shop: Shop, name: str, at: datetime) -> dict[str, Any]:
    row = shop.draft.request_at(at, 1, name) | {"shop": "a"}
    response = server.send("POST", "/v1/predict", msgspec.json.encode(row), token=server.operate)
    assert response.status_code == 200, response.text
    return dict(response.json())


def report_level(server: InProcessServer, shop: Shop, level: float) -> None:
    row = {"shop": "a", "known_at": shop.now.isoformat(), "level": level}
    body = msgspec.json.encode({"rows": [row]})
    response = server.send("POST", "/v1/tables/stock/rows", body, token=server.operate)
    assert response.status_code == 200, response.text


def levels(shop: Shop) -> dict[str, float]:
    rows = shop.lake.read("predictions").select("id", "level").iter_rows()
    return dict(rows)


@pytest.mark.parametrize("restarted", [False, True])
def test_a_client_ahead_hides_no_fact_from_anybody(shop: Shop, restarted: bool) -> None:
    ahead = 23 * HOUR if "wall" in (shop.folder / "mlops.toml").read_text() else 13 * 365 * DAY
    with shop.serving() as server:
        assert isinstance(server, InProcessServer)
        report_level(server, shop, 111.0)
        shop.now += HOUR
        ask(server, shop, "before", shop.now)
        ask(server, shop, "ahead", shop.now + ahead)
        if not restarted:
            report_level(server, shop, 222.0)
            shop.now += HOUR
            ask(server, shop, "after", shop.now)
    if restarted:
        assert shop.mlops("tick").code == 0
        with shop.serving() as server:
            assert isinstance(server, InProcessServer)
            report_level(server, shop, 222.0)
            shop.now += HOUR
            ask(server, shop, "after", shop.now)
    assert shop.mlops("tick").code == 0
    assert levels(shop) == {"before": 111.0, "ahead": 111.0, "after": 222.0}
    verified = shop.mlops("features", "verify")
    assert (verified.code, verified.output["differing"]) == (0, 0)
    now = datetime.fromisoformat(shop.mlops("status").output["now"])
    assert now < shop.now + HOUR, "it moved no clock"


def test_an_outcome_far_ahead_does_not_move_the_clock_of_the_data(live: Shop, tmp_path: Path) -> None:
    shop = live.copy(tmp_path / "shop")
    with shop.serving() as server:
        assert isinstance(server, InProcessServer)
        assert shop.ask(server, 3) == [200] * 3
        outcome = shop.draft.outcome_of("r1", 1, shop.now + 3650 * DAY)
        body = msgspec.json.encode({"outcomes": [outcome]})
        assert server.send("POST", "/v1/outcomes", body, token=server.operate).status_code == 200
    assert shop.mlops("tick").code == 0
    assert datetime.fromisoformat(shop.mlops("status").output["now"]) < shop.now + HOUR


def test_a_machine_that_was_ahead_forgets_no_prediction(live: Shop, tmp_path: Path, monkeypatch) -> None:
    shop = live.copy(tmp_path / "shop")
    use_wall_clock(shop, monkeypatch)
    with shop.serving() as server:
        assert isinstance(server, InProcessServer)
        ask(server, shop, "before", shop.now)
    before = shop.now
    shop.now += 400 * DAY
    with shop.serving() as server:
        assert isinstance(server, InProcessServer)
        ask(server, shop, "glitch", shop.now)
    shop.now = before + HOUR
    for name in ("first", "second"):
        with shop.serving() as server:
            assert isinstance(server, InProcessServer)
            ask(server, shop, name, shop.now)
            outcome = shop.draft.outcome_of("before" if name == "first" else "first", 1, shop.now)
            response = server.send(
                "POST", "/v1/outcomes", msgspec.json.encode({"outcomes": [outcome]}), token=server.operate
            )
            assert response.json()["counts"]["accepted"] == 1, response.text
        assert shop.mlops("tick").code == 0


def test_a_slip_in_the_time_of_a_tick_is_refused_or_heals(live: Shop, tmp_path: Path, monkeypatch) -> None:
    shop = live.copy(tmp_path / "shop")
    use_wall_clock(shop, monkeypatch)
    with shop.serving() as server:
        assert isinstance(server, InProcessServer)
        assert {*shop.ask(server, 3), *shop.tell(server, 3)} == {200}
    slip = shop.mlops("tick", "--at", "2036-11-28T09:00:00Z")
    assert slip.error is not None
    assert (slip.code, slip.error["code"]) == (2, "far_ahead")
    assert shop.mlops("tick", "--at", (shop.now + 200 * DAY).isoformat()).code == 0
    shop.now += DAY
    ticked = shop.mlops("tick").output
    assert [decision["what"] for decision in ticked["decisions"]][:1] == ["clock"]
    assert datetime.fromisoformat(ticked["measured"][-1]) > shop.now - DAY
    shop.now += DAY
    again = shop.mlops("tick").output
    assert len(again["measured"]) == 1
    assert "clock" not in [decision["what"] for decision in again["decisions"]]
    assert shop.mlops("status").output["alert"]["rule"] == "clock"
