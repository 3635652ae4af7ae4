"""The training set holds what a server would have answered, and says what it was made of."""

from dataclasses import replace
from types import SimpleNamespace

import polars as pl
import pytest
from msgspec.structs import replace as replace_struct

from mlops_lab.errors import InvalidInput
from mlops_lab.features.definition import Features
from mlops_lab.training.training_set import _weights, build_training_set


def build(tiny, features):
    return build_training_set(tiny.project, features, lake=tiny.lake, until=tiny.now)


def test_rows_that_a_server_would_refuse_are_not_trained_on(tiny):
    features = tiny.pipeline.features
    views = [replace(view, missing="refuse") if view.name == "customer" else view for view in features.views]
    strict = build(tiny, Features(features.inputs, views, features.derived))
    assert 0 < strict.inputs.height < tiny.training.inputs.height
    assert strict.holdout["customer"].null_count() == 0 < tiny.training.holdout["customer"].null_count()
    answered = tiny.training.holdout.join(strict.holdout, on="_fact_id", how="semi")
    assert answered.height == strict.holdout.height == strict.holdout_inputs.height
    both = tiny.training.holdout_inputs.filter(
        tiny.training.holdout["_fact_id"].is_in(strict.holdout["_fact_id"].implode())
    )
    assert both.equals(strict.holdout_inputs)


def test_it_names_the_snapshots_of_its_tables(tiny):
    seen = {snapshot.table: snapshot for snapshot in tiny.training.snapshots}
    assert seen.keys() == {"orders", "stock"}
    for name, snapshot in seen.items():
        assert snapshot.version == tiny.lake.version(name)
        assert snapshot.rows == tiny.lake.read(name).height
        assert len(snapshot.fingerprint) == 64


def test_what_becomes_known_later_changes_nothing(tiny):
    """The same cutoff and moment give the same set, whatever the lake learned since."""
    again = build(tiny, tiny.pipeline.features)
    assert again.fingerprint == tiny.training.fingerprint
    assert isinstance(again.truth, pl.Series)


@pytest.mark.parametrize("unit", [1.0, 1000.0])
def test_weights_are_one_on_average_whatever_their_unit(tiny, unit):
    source = replace_struct(tiny.project.settings.source, weight="amount")
    project = SimpleNamespace(settings=SimpleNamespace(source=source))
    rows = pl.DataFrame({"amount": [1.0 * unit, 3.0 * unit, 0.0]})
    assert _weights(project, rows).to_list() == pytest.approx([0.75, 2.25, 0.0])


@pytest.mark.parametrize("amounts", [[1.0, None], [1.0, -1.0], [0.0, 0.0]])
def test_a_bad_weight_is_an_error(tiny, amounts):
    source = replace_struct(tiny.project.settings.source, weight="amount")
    project = SimpleNamespace(settings=SimpleNamespace(source=source))
    with pytest.raises(InvalidInput) as caught:
        _weights(project, pl.DataFrame({"amount": amounts}))
    assert caught.value.code == "bad_weights"
    assert "amount" in caught.value.where
