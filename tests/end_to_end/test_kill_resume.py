"""kill -9 of the replay, of the server, or of both, a dozen times: the demo ends as if nothing had happened."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from replaying import Kill, journal_end, replay, replay_with_kills, what_came_of_it

SPAN = ("2013-03-01", "2013-03-04")
PLACES = [
    "lake/flights",
    "lake/decisions",
    "mlflow/mlflow.db.new",
    "mlflow/artifacts/*",
    "deployment.json",
    "server.json",
]
VICTIMS = ["replay", "server", "both"]


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_demo_killed_a_dozen_times_ends_the_same(tmp_path: Path, seed: int) -> None:
    (tmp_path / "unbroken").mkdir()
    (tmp_path / "broken").mkdir()
    unbroken, broken = tmp_path / "unbroken/demo", tmp_path / "broken/demo"
    wanted = replay(unbroken, SPAN)
    draw = random.Random(seed)
    at_first = sorted(draw.sample(range(len(PLACES)), 3))
    shares = sorted(draw.uniform(0.0, 0.99) for _ in range(9))
    kills = [Kill("replay", PLACES[place], draw.uniform(0, 0.5)) for place in at_first]
    kills += [Kill(draw.choice(VICTIMS), share, draw.choice([0.0, 0.05, 0.3])) for share in shares]
    assert len(kills) >= 10

    told = replay_with_kills(broken, SPAN, kills, journal_bytes=journal_end(unbroken))

    for name in ("counts", "decisions", "months", "log_loss", "auc"):
        assert told[name] == wanted[name]
    assert told["counts"]["lost"] == told["counts"]["duplicated"] == 0
    assert what_came_of_it(broken) == what_came_of_it(unbroken)
