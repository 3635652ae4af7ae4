"""What explains a higher loss, where the cause was planted."""

import numpy as np
import polars as pl
import pytest

from mlops_lab.monitoring.cause import LossWindow, explain_by_features, explain_by_groups, first_unusual
from mlops_lab.monitoring.detectors.slices import SLICE
from mlops_lab.monitoring.profile import make_profiles

ROWS = 8_000


def draw(seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "heat": rng.normal(15, 5, ROWS),
            "age": rng.normal(40, 12, ROWS),
            "plan": rng.choice(["basic", "pro"], ROWS),
            "shop": rng.choice(["a", "b", "c"], ROWS),
        }
    )


def answer(seen: pl.DataFrame) -> np.ndarray:
    heat, age = seen["heat"].fill_null(15), seen["age"].fill_null(40)
    score = 1.5 * (heat - 15) / 5 + (age - 40) / 12 + (seen["plan"] == "pro").cast(pl.Float64)
    return 1 / (1 + np.exp(-score.to_numpy()))


def window(seen: pl.DataFrame, world: pl.DataFrame, seed: int, *, broken: str | None = None) -> LossWindow:
    rng = np.random.default_rng(seed)
    chance = answer(world)
    if broken:
        chance = np.where((world["shop"] == broken).to_numpy(), 1 - chance, chance)
    truth, output = rng.random(ROWS) < chance, np.clip(answer(seen), 1e-6, 1 - 1e-6)
    loss = -np.log(np.where(truth, output, 1 - output))
    return LossWindow(loss, seen.drop("shop"), world.select(pl.col("shop").name.prefix(SLICE)))


WORLD, LATER = draw(1), draw(2)
BEFORE = window(WORLD, WORLD, 3)
PROFILES = make_profiles(WORLD.drop("shop"))


@pytest.mark.parametrize(
    "seen",
    [
        LATER.with_columns(heat=pl.when(pl.int_range(ROWS) % 2 == 0).then(None).otherwise(pl.col("heat"))),
        LATER.with_columns(heat=pl.col("heat") * 1.8 + 32),
        LATER.with_columns(heat=pl.when(pl.int_range(ROWS) % 3 == 0).then(-40.0).otherwise(pl.col("heat"))),
    ],
    ids=["silent nulls", "another unit", "a value that stands for missing"],
)
def test_the_broken_feature_explains_most_of_the_loss(seen: pl.DataFrame):
    found = explain_by_features(BEFORE, window(seen, LATER, 4), PROFILES)
    assert [item.name for item in found] == ["heat"]
    assert 0.6 < found[0].share < 1.2


def test_the_broken_group_explains_the_loss_and_no_feature_does():
    after = window(LATER, LATER, 5, broken="b")
    (group,) = explain_by_groups(BEFORE, after)
    assert group.name == "shop=b"
    assert group.share == pytest.approx(1, abs=0.15)
    assert explain_by_features(BEFORE, after, PROFILES) == []


def test_without_a_higher_loss_nothing_is_explained():
    easier = window(LATER, LATER, 6)
    better = LossWindow(easier.loss * 0.5, easier.inputs, easier.groups)
    assert explain_by_features(BEFORE, better, PROFILES) == []
    assert explain_by_groups(BEFORE, better) == []


def test_the_first_delivery_that_is_unlike_those_before_is_found():
    usual = [0.05, 0.1]
    assert first_unusual([0.1, 0.6, 0.9], usual=usual) == 1
    assert first_unusual([0.05, 0.3, 0.9], usual=usual) == 2
    assert first_unusual([0.05, 0.08], usual=usual) is None
    assert first_unusual([], usual=usual) is None
