"""The training set holds what a server would have answered, and says what it was made of."""

import shutil
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import polars as pl
import pytest
from msgspec.structs import replace as replace_struct

from mlops_lab.clock import day_of, days_after, days_before
from mlops_lab.errors import InvalidInput
from mlops_lab.features.definition import Features
from mlops_lab.features.offline import compute
from mlops_lab.lake import Lake
from mlops_lab.training import history
from mlops_lab.training.training_set import _weights, build_training_set, find_cutoff
from mlops_lab.training.window import keep_window

NEW_YORK = "America/New_York"


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


def test_with_all_rows_nothing_is_held_out(tiny):
    data, time = tiny.training, tiny.project.settings.source.time
    whole = data.with_all_rows(time=time)
    rows = data.inputs.height + data.holdout_inputs.height
    assert [whole.inputs.height, len(whole.truth), len(whole.moments)] == [rows] * 3
    assert whole.inputs[: data.inputs.height].equals(data.inputs)
    assert whole.moments.is_sorted()
    assert (whole.holdout.height, whole.holdout_inputs.height, len(whole.holdout_truth)) == (0, 0, 0)
    assert whole.cutoff == data.until
    assert whole.fingerprint != data.fingerprint


def test_it_names_the_snapshots_of_its_tables(tiny):
    seen = {snapshot.table: snapshot for snapshot in tiny.training.snapshots}
    assert seen.keys() == {"orders", "stock"}
    for name, snapshot in seen.items():
        assert snapshot.version == tiny.lake.version(name)
        assert snapshot.rows == tiny.lake.read(name).height
        assert len(snapshot.fingerprint) == 64


def test_its_snapshots_are_of_what_was_read_whatever_is_added_meanwhile(tiny, tmp_path, monkeypatch):
    """An intake at work while the features are computed: `mlops reproduce` would blame the data."""
    shutil.copytree(tiny.lake.path, tmp_path / "lake")
    lake = Lake(tmp_path / "lake")
    versions = {name: lake.version(name) for name in ("orders", "stock")}

    def compute_while_rows_arrive(*arguments, **options):
        lake.append("stock", lake.read("stock").head(1))
        return compute(*arguments, **options)

    monkeypatch.setattr(history, "compute", compute_while_rows_arrive)
    built = build_training_set(tiny.project, tiny.pipeline.features, lake=lake, until=tiny.now)
    assert lake.version("stock") == versions["stock"] + 1
    assert {snapshot.table: snapshot.version for snapshot in built.snapshots} == versions
    assert built.snapshots == tiny.training.snapshots


def test_what_becomes_known_later_changes_nothing(tiny):
    """The same cutoff and moment give the same set, whatever the lake learned since."""
    again = build(tiny, tiny.pipeline.features)
    assert again.fingerprint == tiny.training.fingerprint
    assert isinstance(again.truth, pl.Series)


@pytest.mark.parametrize("unit", [1.0, 1000.0])
def test_weights_are_one_on_average_whatever_their_unit(tiny, unit):
    source = replace_struct(tiny.project.settings.source, weight="amount")
    project = SimpleNamespace(settings=SimpleNamespace(source=source))
    rows = pl.DataFrame({"amount": [1.0 * unit, 3.0 * unit, 0.0, 8.0 * unit]})
    training, others = _weights(project, rows, pl.Series([True, True, True, False]))
    assert training.to_list() == pytest.approx([0.75, 2.25, 0.0])
    assert others.to_list() == pytest.approx([6.0]), "in the same unit"


@pytest.mark.parametrize("amounts", [[1.0, None], [1.0, -1.0], [0.0, 0.0]])
def test_a_bad_weight_is_an_error(tiny, amounts):
    source = replace_struct(tiny.project.settings.source, weight="amount")
    project = SimpleNamespace(settings=SimpleNamespace(source=source))
    with pytest.raises(InvalidInput) as caught:
        _weights(project, pl.DataFrame({"amount": amounts}), pl.Series([True, True]))
    assert caught.value.code == "bad_weights"
    assert "amount" in caught.value.where


def test_however_late_outcomes_become_known_the_last_days_with_outcomes_are_held_out(tiny):
    """Nothing becomes known for longer than the days that are held out: they are counted from the newest outcome."""
    features, days = tiny.pipeline.features, tiny.project.settings.backtest.days
    newest = tiny.lake.read("orders").filter(pl.col("known_at") <= tiny.now)["asked_at"].max()
    day_end = days_after(day_of(newest, NEW_YORK), 1, NEW_YORK)
    for days_later in (1, days, 10 * days):
        until = day_end + timedelta(days=days_later)
        late = build_training_set(tiny.project, features, lake=tiny.lake, until=until)
        newest = late.holdout["asked_at"].max()
        assert late.cutoff == days_before(days_after(day_of(newest, NEW_YORK), 1, NEW_YORK), days, NEW_YORK)
        assert late.holdout["asked_at"].dt.convert_time_zone(NEW_YORK).dt.date().n_unique() == days
        assert late.holdout["asked_at"].min() >= late.cutoff > late.moments.max()


@pytest.mark.parametrize("hours", [0, 9, 23.9])
def test_where_outcomes_are_known_on_their_day_days_are_counted_back_from_now(tiny, hours):
    midnight = day_of(tiny.now, NEW_YORK)
    until = midnight + timedelta(hours=hours)
    moments = pl.Series([midnight - timedelta(days=90), until - timedelta(seconds=1)])
    assert find_cutoff(tiny.project, moments, until=until) == days_before(
        until, tiny.project.settings.backtest.days, NEW_YORK
    )
    assert find_cutoff(tiny.project, moments.clear(), until=until) < until


def test_of_a_window_only_its_rows_are_computed_and_they_are_the_same(tiny):
    whole = tiny.training
    built = build_training_set(tiny.project, tiny.pipeline.features, lake=tiny.lake, until=tiny.now, window_days=20)
    kept = keep_window(whole, "last 20d", pipeline=tiny.pipeline, zone=tiny.project.timezone)
    assert 0 < built.inputs.height < whole.inputs.height
    assert built.inputs.equals(kept.inputs)
    assert built.fingerprint == kept.fingerprint
    assert built.holdout_inputs.equals(whole.holdout_inputs)
    assert built.known_at.equals(kept.known_at)
