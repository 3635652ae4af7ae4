"""What explains a higher loss in a project, where the cause was planted: an input, a group, a delivery."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mlops_lab.cli.diagnose import _record, _sentences
from mlops_lab.lake import Lake
from mlops_lab.loop.diagnose import Diagnosis, diagnose
from mlops_lab.monitoring.profile import make_profiles
from mlops_lab.tables.declared import OUTCOMES, PREDICTIONS

ROWS = 3_000
DAY = timedelta(days=1)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def since(tiny) -> datetime:
    return tiny.now - 5 * DAY


def write(tiny, lake: Lake, *, broken: bool, nulls: float = 0.0, wrong_shop: str = "") -> None:
    """Answers of the 20 days before, or, `broken`, of the days since: 100 times the amounts, no items, or wrong about a
    shop."""
    rng = np.random.default_rng(2 if broken else 1)
    rows = tiny.training.inputs[rng.integers(0, tiny.training.inputs.height, ROWS)]
    chance = tiny.predictor.score(rows).to_numpy()
    output = chance.copy()
    if broken and nulls:
        gone = rng.random(ROWS) < nulls
        rows = rows.with_columns(items=pl.when(pl.Series(gone)).then(None).otherwise(pl.col("items")))
        output = np.where(gone, 1 - output, output)
    elif broken and wrong_shop:
        output = np.where((rows["shop"] == wrong_shop).to_numpy(), 1 - output, output)
    elif broken:
        rows = rows.with_columns(pl.col("amount") * 100)
        output = tiny.predictor.score(rows).to_numpy()
    began, days = (since(tiny), 5) if broken else (since(tiny) - 20 * DAY, 20)
    at = [began + timedelta(seconds=days * 86_400 * (number + 0.5) / ROWS) for number in range(ROWS)]
    ids = [f"{'after' if broken else 'before'}{number}" for number in range(ROWS)]
    same = {"id": ids, "version": [1] * ROWS, "role": ["champion"] * ROWS, "output": output}
    PREDICTIONS.append(
        lake, rows.with_columns(**{name: pl.Series(values) for name, values in same.items()}, at=pl.Series(at))
    )
    times = {"known_at": [moment + timedelta(minutes=5) for moment in at], "predicted_at": at}
    late = rng.random(ROWS) < chance
    outcomes = pl.DataFrame({**same, **times, "verdict": ["accepted"] * ROWS, "late": late, "shop": rows["shop"]})
    schema = OUTCOMES.schema(tiny.project)
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in outcomes.columns]
    OUTCOMES.append(lake, outcomes.with_columns(missing).select(schema.keys()).cast(schema))


def look(tiny, lake: Lake) -> Diagnosis | None:
    profiles = make_profiles(tiny.training.inputs)
    return diagnose(
        tiny.project, lake, package=tiny.package, profiles=profiles, since=since(tiny), until=tiny.now + DAY
    )


def test_too_few_answers_explain_nothing(tiny, lake):
    assert look(tiny, lake) is None
    write(tiny, lake, broken=False)
    assert look(tiny, lake) is None
    (sentence,) = _sentences(None, tiny.project, since=since(tiny), unusual=[])
    assert sentence.startswith("too few answers")


def test_an_input_in_another_unit_is_named(tiny, lake):
    write(tiny, lake, broken=False)
    write(tiny, lake, broken=True)
    found = look(tiny, lake)
    assert found is not None
    assert found.loss_since > found.loss_before + 0.05
    assert found.answers == ROWS
    (amount,) = [cause for cause in found.features if cause.explained.name == "amount"]
    assert amount == found.features[0]
    assert amount.explained.share > 0.5
    assert (amount.tables, amount.delivery) == ([], None), "it is a field of the request"
    assert "amount (" in found.sentence()
    record = _record(found, since=found.since, until=found.until, unusual=["nulls of items"])
    assert record.features[0].name == "amount"


def test_a_group_of_which_answers_are_wrong_is_named(tiny, lake):
    write(tiny, lake, broken=False)
    write(tiny, lake, broken=True, wrong_shop="b")
    found = look(tiny, lake)
    assert found is not None
    assert [group.name for group in found.groups] == ["shop=b"]
    assert found.groups[0].share > 0.6
    assert _sentences(found, tiny.project, since=found.since, unusual=[])[1] == found.sentence()


def test_the_table_and_the_delivery_that_brought_it_are_named(tiny, lake):
    write(tiny, lake, broken=False)
    write(tiny, lake, broken=True, nulls=0.6)
    rng = np.random.default_rng(3)
    for number in range(-6, 4):
        moment = since(tiny) + number * DAY
        items = rng.integers(0, 50, 60).astype(float) if number < 1 else [None] * 60
        columns = {"shop": ["a"] * 60, "items": items, "known_at": [moment] * 60, "received_at": [moment] * 60}
        lake.append("stock", pl.DataFrame(columns, schema_overrides={"items": pl.Float64}))
    found = look(tiny, lake)
    assert found is not None
    (items,) = [cause for cause in found.features if cause.explained.name == "items"]
    assert items.explained.share > 0.8
    assert items.tables == ["stock"]
    assert items.delivery is not None
    assert (items.delivery.table, items.delivery.rows, items.delivery.at) == ("stock", 60, since(tiny) + DAY)
    assert "items from stock, the rows that arrived at" in found.sentence()
