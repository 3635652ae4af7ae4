"""Which rows a version learns from, and that the choice never uses what was not known."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mlops_lab.errors import InvalidInput
from mlops_lab.features.definition import Features
from mlops_lab.project import Project
from mlops_lab.tasks.binary import Binary
from mlops_lab.training.candidate import choose_rows, prepare_candidate
from mlops_lab.training.fit import fit, takes_weights, to_answers
from mlops_lab.training.pipeline import Pipeline
from mlops_lab.training.training_set import TrainingSet
from mlops_lab.training.window import ALL, as_of_folds, choose_window, keep_window

START = datetime(2013, 1, 1, tzinfo=UTC)
LINE = Pipeline(Features(["x"]), LogisticRegression, "")
NEIGHBOURS = Pipeline(Features(["x"]), KNeighborsClassifier, "")


def make_rows(
    days: int = 120, *, per_day: int = 20, turns_after: int | None = None, delay_days: int = 0
) -> TrainingSet:
    """Rows whose truth depends on `x`; after `turns_after` days the other way round."""
    rows = days * per_day
    random = np.random.default_rng(5)
    x = random.normal(size=rows)
    sign = np.where(np.arange(rows) // per_day < (days if turns_after is None else turns_after), 1, -1)
    truth = (random.random(rows) < 1 / (1 + np.exp(-3 * sign * x))).astype(float)
    moments = pl.Series([START + timedelta(days=row / per_day) for row in range(rows)])
    return TrainingSet(
        task=Binary(), inputs=pl.DataFrame({"x": x}), truth=pl.Series(truth), weights=None, moments=moments,
        holdout=pl.DataFrame(), holdout_inputs=pl.DataFrame({"x": x[:5]}), holdout_truth=pl.Series(truth[:5]),
        cutoff=START + timedelta(days=days), until=START + timedelta(days=days), snapshots=(), fingerprint="whole",
        known_at=moments.dt.offset_by(f"{delay_days}d"),
    )  # fmt: skip


def test_all_keeps_the_very_same_rows():
    data = make_rows()
    assert keep_window(data, ALL, pipeline=LINE, zone="UTC") is data


def test_the_last_days_are_counted_back_from_the_cutoff():
    kept = keep_window(make_rows(), "last 30d", pipeline=LINE, zone="UTC")
    assert (kept.inputs.height, kept.truth.len(), kept.moments.min()) == (600, 600, START + timedelta(days=90))
    assert kept.fingerprint != "whole"
    assert kept.holdout_inputs.height == 5, "what is held out stays"


def test_a_row_one_half_life_older_counts_half_as_much():
    data = replace(make_rows(), weights=pl.Series([2.0] * 2400))
    kept = keep_window(data, "half-life 10d", pipeline=LINE, zone="UTC")
    assert kept.weights is not None
    assert kept.weights[1000] / kept.weights[800] == pytest.approx(2.0)
    assert kept.weights.mean() == pytest.approx(1.0)
    assert kept.inputs.equals(data.inputs)


def test_a_window_with_too_few_rows_is_refused_with_what_helps():
    with pytest.raises(InvalidInput, match="80 labelled rows in the 4 days before 2013-05-01") as refused:
        keep_window(make_rows(), "last 4d", pipeline=LINE, zone="UTC")
    assert (refused.value.code, refused.value.where) == ("too_little_data", "mlops.toml, [training] window")


def test_a_model_that_takes_no_weights_is_refused_a_half_life():
    with pytest.raises(InvalidInput, match="takes no weights") as refused:
        keep_window(make_rows(), "half-life 10d", pipeline=NEIGHBOURS, zone="UTC")
    assert refused.value.code == "no_weights"


def test_which_estimators_take_weights():
    assert takes_weights(LogisticRegression())
    assert takes_weights(make_pipeline(StandardScaler(), LogisticRegression()))
    assert not takes_weights(make_pipeline(StandardScaler(), KNeighborsClassifier()))


def test_where_the_world_has_turned_the_last_days_win():
    choice = choose_window(LINE, make_rows(turns_after=70), zone="UTC")
    assert choice.window.startswith(("last", "half-life"))
    assert choice.losses[choice.window] == min(choice.losses.values()) < choice.losses[ALL] - 0.1
    assert set(choice.losses) == {"all", "last 14d", "last 30d", "half-life 14d", "half-life 30d"}


def test_where_nothing_changes_all_rows_are_taken():
    assert choose_window(LINE, make_rows(), zone="UTC").window == ALL


def test_without_weights_only_the_last_days_are_compared():
    assert set(choose_window(NEIGHBOURS, make_rows(), zone="UTC").losses) == {"all", "last 14d", "last 30d"}


@pytest.mark.parametrize("data", [make_rows(4), make_rows(100, per_day=1)])
def test_a_short_past_takes_all_rows_and_compares_nothing(data):
    choice = choose_window(LINE, data, zone="UTC")
    assert (choice.window, dict(choice.losses)) == (ALL, {})


@given(st.integers(30, 150), st.integers(0, 40))
def test_a_fold_never_learns_from_a_label_that_was_not_known(days, delay_days):
    data = make_rows(days, per_day=10, delay_days=delay_days)
    for fold in as_of_folds(data, zone="America/New_York"):
        assert fold.known_at is not None
        assert (fold.known_at <= fold.cutoff).all()
        assert (fold.moments < fold.cutoff).all()
        assert (fold.holdout["moment"] >= fold.cutoff).all()
        assert fold.holdout_inputs.height == fold.holdout_truth.len() == fold.holdout.height > 0


def test_labels_of_the_future_do_not_change_the_choice():
    """The labels that were known only after the last day decide nothing, however wrong they are."""
    data = make_rows(delay_days=20)
    late = data.known_at > data.cutoff - timedelta(days=1)  # type: ignore[operator]
    wrong = replace(data, truth=pl.select(pl.when(late).then(1 - data.truth).otherwise(data.truth)).to_series())
    one, other = (next(as_of_folds(rows, zone="UTC")) for rows in (data, wrong))
    assert one.truth.equals(other.truth)


def windowed(project: Project, window: str) -> Project:
    section = msgspec.structs.replace(project.settings.training, window=window)
    return replace(project, settings=msgspec.structs.replace(project.settings, training=section))


def test_a_candidate_has_the_rows_of_its_window(tiny):
    whole = prepare_candidate(tiny.project, tiny.lake, now=tiny.now)
    last = prepare_candidate(windowed(tiny.project, "last 20d"), tiny.lake, now=tiny.now)
    assert (whole.window, last.window) == ("all", "last 20d")
    assert last.identity != whole.identity
    assert last.data.inputs.height < whole.data.inputs.height
    assert last.data.holdout_inputs.equals(whole.data.holdout_inputs)
    assert not last.has_twin


def test_a_candidate_chooses_its_rows_only_when_it_is_trained(tiny):
    project = windowed(tiny.project, "auto")
    asked = prepare_candidate(project, tiny.lake, now=tiny.now)
    assert asked.window == "auto"
    chosen = choose_rows(project, asked)
    assert chosen.identity == asked.identity
    assert chosen.window in chosen.window_losses
    assert choose_rows(project, chosen) is chosen
    answers = to_answers(fit(chosen.pipeline, chosen.data), chosen.data.holdout_inputs)
    assert len(answers) == asked.data.holdout.height


@pytest.mark.parametrize("window", ["last 0d", "last 30", "half-life d", "newest", "30d", "last -3d"])
def test_another_window_is_refused_when_the_settings_are_read(write_project, tmp_path, window):
    with pytest.raises(InvalidInput, match="is not a choice of rows"):
        write_project(tmp_path, ("[tables.stock]", f'[training]\nwindow = "{window}"\n\n[tables.stock]'))
