"""Clocks that are wrong in any way: what others are answered does not change, and the loop goes on once they are right."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from changing import Shop
from drafts import Draft
from hypothesis import given, settings
from hypothesis import strategies as st
from in_process import InProcessServer

from mlops_lab import clock
from mlops_lab.tables.trusted_moments import MAX_JUMP

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_seconds_ahead = st.integers(-400 * 86_400, 5000 * 86_400)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop with a live version. Never change it."""
    shop = Shop(tmp_path_factory.mktemp("shop") / "old", Draft())
    shop.edit(shop.draft)
    assert shop.mlops("run").code == 0
    return shop


@pytest.fixture(scope="module")
def copy(live: Shop, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Shop]:
    """A copy of the shop that goes by this clock."""

    def copy(by: str) -> Shop:
        shop = live.copy(tmp_path_factory.mktemp("shop") / "shop")
        config = shop.folder / "mlops.toml"
        config.write_text(config.read_text().replace('clock = "data"', f'clock = "{by}"'))
        return shop

    return copy


def send(server: InProcessServer, path: str, body: Any, *, allowed: Collection[int] = (200,)) -> None:
    response = server.send("POST", path, msgspec.json.encode(body), token=server.operate)
    assert response.status_code in allowed, response.text


def answers(shop: Shop, dates: list[int | None], *, restarts: bool) -> list[dict[str, Any]]:
    """What honest clients were answered, each hour, while another one sends requests that are so many seconds ahead."""
    for part in (dates[:2], dates[2:]) if restarts else (dates,):
        with shop.serving() as server:
            assert isinstance(server, InProcessServer)
            for seconds in part:
                shop.number += 1
                shop.now += HOUR
                level = {"shop": "a", "known_at": shop.now.isoformat(), "level": float(shop.number)}
                send(server, "/v1/tables/stock/rows", {"rows": [level]})
                if seconds is not None:
                    row = shop.draft.request_at(shop.now + timedelta(seconds=seconds), 1, f"ahead {shop.number}")
                    send(server, "/v1/predict", row | {"shop": "a"}, allowed=(200, 400))
                shop.now += HOUR
                send(
                    server,
                    "/v1/predict",
                    shop.draft.request_at(shop.now, shop.number, f"r{shop.number}") | {"shop": "a"},
                )
        assert shop.mlops("tick").code == 0
    rows = shop.lake.read("predictions").sort("id").to_dicts()
    verified = shop.mlops("features", "verify")
    assert (verified.code, verified.output["differing"]) == (0, 0)
    return [row for row in rows if row["id"].startswith("r")]


def check_answers(copy: Callable[[str], Shop], monkeypatch, by: str, dates: list[int | None], restarts: bool) -> None:
    worlds = []
    for sent in (dates, [None] * len(dates)):
        shop = copy(by)
        with monkeypatch.context() as patched:
            patched.setattr(clock, "now", lambda shop=shop: shop.now)
            worlds.append(answers(shop, sent, restarts=restarts))
    assert len(worlds[0]) == len(dates)
    assert worlds[0] == worlds[1]


_dates = st.lists(st.none() | _seconds_ahead, min_size=3, max_size=6)


@settings(max_examples=2, deadline=None)
@given(_dates, st.booleans())
def test_an_answer_does_not_depend_on_the_date_of_another_request(copy, monkeypatch_module, dates, restarts):
    check_answers(copy, monkeypatch_module, "wall", dates, restarts)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["wall", "data"]), _dates, st.booleans())
def test_an_answer_does_not_depend_on_the_date_of_another_request_long(copy, monkeypatch_module, by, dates, restarts):
    if by == "data":  # there the newest rows are the clock, as far as single ones may move it
        longest = int(MAX_JUMP.total_seconds()) + 86_400
        dates = [seconds if seconds is None or seconds < 0 else seconds + longest for seconds in dates]
    check_answers(copy, monkeypatch_module, by, dates, restarts)


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def live_through(shop: Shop, patched: pytest.MonkeyPatch, errors: list[int]) -> None:
    """A day for each error of the machine's clock, in hours, with a tick at its end; then three days with none."""
    error = timedelta(0)
    patched.setattr(clock, "now", lambda: shop.now + error)
    for hours in [*errors, 0, 0, 0]:
        error = timedelta(hours=hours)
        with shop.serving() as server:
            assert isinstance(server, InProcessServer)
            shop.number += 1
            shop.now += HOUR
            send(server, "/v1/predict", shop.draft.request_at(shop.now + error, shop.number, f"r{shop.number}"))
        shop.now += DAY - HOUR
        assert shop.mlops("tick").code == 0
    ticked = shop.mlops("tick")
    assert (ticked.code, ticked.output["measured"]) == (0, []), "all days that are over were measured"
    measured = shop.lake.read("measurements")["at"].unique().sort().to_list()
    newest = [moment for moment in measured if moment <= shop.now]
    assert shop.now - newest[-1] < DAY
    assert newest[-1] - newest[-2] <= DAY
    status = shop.mlops("status").output
    assert abs(datetime.fromisoformat(status["now"]) - shop.now) < HOUR
    assert status["predictions"] == shop.number


_errors = st.lists(st.one_of(st.integers(-48, 48), st.integers(-24 * 400, 24 * 4000)), min_size=1, max_size=4)


@settings(max_examples=1, deadline=None)
@given(_errors)
def test_once_the_clock_is_right_each_day_is_measured(copy, errors):
    with pytest.MonkeyPatch.context() as patched:
        live_through(copy("wall"), patched, errors)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@settings(max_examples=40, deadline=None)
@given(_errors)
def test_once_the_clock_is_right_each_day_is_measured_long(copy, errors):
    with pytest.MonkeyPatch.context() as patched:
        live_through(copy("wall"), patched, errors)
