"""Random walks of commands and edits: no bug, no project that stands still, nothing lost that was acknowledged.

2,000 walks take about 45 minutes on one core; `MLOPS_LAB_WALKS=2000` takes them all, divided among the workers of
pytest. A walk that fails is shortened, and tells its steps; `MLOPS_LAB_SEED=17` takes the walk with that seed alone.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from changing import Broken, Shop
from drafts import Draft
from in_process import InProcessServer
from running import serving
from walks import Step, Walk, choose_steps, shorten

from mlops_lab.project import load_project

QUICK, PART = 1, 20
MANY = int(os.environ.get("MLOPS_LAB_WALKS", "400"))
SEED = os.environ.get("MLOPS_LAB_SEED")
KINDS = ("late", "rollout", "grade")


@pytest.fixture(scope="module")
def old_shops(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Shop]:
    """Gives the shop that the walk with a seed begins with: it predicts one of two or of three, or is in a rollout."""
    made: dict[str, Shop] = {}

    def make(kind: str) -> Shop:
        shop = Shop(tmp_path_factory.mktemp("shop") / "old", Draft(label="grade" if kind == "grade" else "late"))
        shop.edit(shop.draft)
        assert shop.mlops("run").code == 0
        work(shop)
        assert shop.mlops("tick").code == 0
        if kind == "rollout":
            better = shop.draft.copy()
            better.trees = 10
            shop.edit(better)
            assert shop.mlops("run").code == 0
        work(shop)
        return shop

    def get(seed: int) -> Shop:
        kind = KINDS[seed % len(KINDS)]
        if kind not in made:
            made[kind] = make(kind)
        return made[kind]

    return get


def work(shop: Shop) -> None:
    """Serve: answer requests, accept outcomes and rows of tables."""
    with shop.serving() as server:
        assert isinstance(server, InProcessServer), server
        assert {*shop.ask(server, 4), *shop.tell(server), *shop.report(server)} == {200}


def take(shop: Shop, folder: Path, steps: Sequence[Step]) -> Walk:
    """The walk of these steps in a copy of the shop. The folder is always a new one: MLflow remembers its databases."""
    walk = Walk(shop.copy(folder))
    try:
        walk.take(steps)
    except Exception as error:
        raise Broken("\n".join([str(error), "the walk:", *walk.log])) from error
    return walk


def check_walk(shop: Shop, tmp_path: Path, seed: int) -> Walk:
    """The walk with that seed. Where it fails, the fewest steps that fail are told."""
    steps, tries = choose_steps(seed), iter(range(100))

    def fails(fewer: Sequence[Step]) -> bool:
        try:
            take(shop, tmp_path / f"{seed} shortened {next(tries)}", fewer)
        except Broken:
            return True
        return False

    try:
        return take(shop, tmp_path / str(seed), steps)
    except Broken as error:
        raise Broken(f"seed {seed}, the fewest steps: {shorten(steps, fails)}\n{error}") from error


@pytest.mark.parametrize("seed", range(QUICK) if SEED is None else [int(SEED)])
def test_a_walk(seed: int, old_shops: Callable[[int], Shop], tmp_path: Path) -> None:
    check_walk(old_shops(seed), tmp_path, seed)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("first", range(QUICK, QUICK + MANY, PART))
def test_many_walks(first: int, old_shops: Callable[[int], Shop], tmp_path: Path) -> None:
    """After the last walk of each part, a server process answers."""
    for seed in range(first, first + PART):
        walk = check_walk(old_shops(seed), tmp_path, seed)
        if seed == first + PART - 1:
            with serving(load_project(walk.shop.folder)) as server:
                walk.shop.number += 1
                name = f"r{walk.shop.number}"
                request = walk.shop.draft.request_at(walk.shop.now, walk.shop.number, name)
                assert server.talk().predict(request)["id"] == name
        shutil.rmtree(walk.shop.folder)


def test_a_walk_that_fails_is_shortened() -> None:
    steps = [("edit", 1), ("run", 2), ("tick", 3), ("serve", 4)]
    assert shorten(steps, lambda fewer: {("run", 2), ("serve", 4)} <= {*fewer}) == [("run", 2), ("serve", 4)]
