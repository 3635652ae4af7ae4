"""Logged predictions are answered again: the same bits, or what differs by name."""

import shutil
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from msgspec.structs import replace as replace_fields

from mlops_lab.errors import EnvironmentFault, InvalidInput, NotFound
from mlops_lab.features.definition import Features
from mlops_lab.lineage.records import ReplayedVersion
from mlops_lab.lineage.replay import replay_prediction, replay_sample
from mlops_lab.project import Project, load_project
from mlops_lab.registry.package import package_fingerprint
from mlops_lab.rollout.decision_log import write_decision
from mlops_lab.rollout.decisions import Decision, DecisionKind
from mlops_lab.tables.declared import PREDICTIONS
from mlops_lab.tables.open_lake import open_lake
from mlops_lab.training.fit import fit
from mlops_lab.training.packaging import package as make_package

ROWS = 60
INPUTS = ["amount", "hour", "items"]


def write_other_version(tiny, folder: Path) -> None:
    """A version that sees three of the inputs, and whose view of the stock refuses requests without facts."""
    features = tiny.pipeline.features
    views = [replace(view, missing="refuse") for view in features.views if view.name == "stock"]
    fewer = Features(INPUTS, views, {"hour": features.derived["hour"]})
    data = replace(tiny.training, inputs=tiny.training.inputs.select(INPUTS))
    fitted = fit(replace(tiny.pipeline, features=fewer), data)
    plan = replace_fields(tiny.plan, features=fewer.as_dict(), categories=fitted.categories)
    make_package(fitted, plan, data.inputs).write(folder)


@pytest.fixture(scope="module")
def logged(tiny, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The small project with two versions; the first has answered the last orders. Read only."""
    root = Path(shutil.copytree(tiny.project.root, tmp_path_factory.mktemp("replay") / "project"))
    write_other_version(tiny, root / "package-2")
    project = load_project(root)
    lake = open_lake(project)
    for number, (name, kind) in enumerate(
        [("package", DecisionKind.BOOTSTRAP), ("package-2", DecisionKind.SHADOW)], start=1
    ):
        evidence = {"package": name, "fingerprint": package_fingerprint(root / name)}
        decision = Decision(tiny.training.cutoff, kind, number, "gates", "passed", "me", evidence)
        write_decision(lake, decision, earlier=number - 1)
    computed = tiny.training.holdout_inputs.tail(ROWS).select(
        name for name in tiny.training.inputs.columns if name not in ("shop", "amount", "express")
    )
    rows = pl.concat([tiny.training.holdout.tail(ROWS), computed], how="horizontal").select(
        pl.col("_fact_id").alias("id"),
        pl.col("asked_at").alias("at"),
        "asked_at", "customer", "shop", "amount", "express",
        *computed.columns,
        version=pl.lit(1, pl.Int64),
        role=pl.lit("champion"),
        missing=pl.lit(None, pl.String),
        output=tiny.predictor.score(tiny.training.holdout_inputs.tail(ROWS)),
    )  # fmt: skip
    PREDICTIONS.append(lake, rows, position=("test", 1))
    return project


@pytest.fixture
def changed(logged: Project, tmp_path: Path) -> Project:
    """A copy for one test."""
    return load_project(Path(shutil.copytree(logged.root, tmp_path / "project")))


def an_id(project: Project) -> str:
    return str(PREDICTIONS.read(open_lake(project)).sort("at")["id"][7])


def test_a_prediction_is_answered_again_to_the_last_bit(tiny, logged):
    replayed = replay_prediction(logged, an_id(logged))
    assert (replayed.equal, replayed.tolerance, replayed.version) == (True, 0.0, 1)
    assert replayed.logged == replayed.from_log == replayed.from_facts
    assert [entry.name for entry in replayed.inputs] == tiny.training.inputs.columns
    assert all(entry.equal and entry.logged == entry.from_facts for entry in replayed.inputs)


def test_another_version_sees_its_own_features_as_of_then(tiny, logged):
    name = an_id(logged)
    other = replay_prediction(logged, name, other=2).other
    index = tiny.training.holdout["_fact_id"].to_list().index(name)
    expected = tiny.training.holdout_inputs.select(INPUTS).row(index, named=True)
    assert other is not None
    assert (other.version, other.inputs, other.refusal) == (2, expected, None)
    assert isinstance(other.output, float)
    assert other.output != replay_prediction(logged, name).logged


def test_another_version_may_have_refused(tiny, changed):
    name = an_id(changed)
    shutil.rmtree(changed.lake_path / "stock")
    stock = tiny.lake.read("stock").filter(pl.col("known_at") > tiny.now)
    open_lake(changed).append(
        "stock", stock if stock.height else tiny.lake.read("stock").with_columns(shop=pl.lit("z"))
    )
    replayed = replay_prediction(changed, name, other=2)
    assert not replayed.equal, "the facts that it saw are gone"
    assert replayed.other is not None
    assert (replayed.other.output, replayed.other.refusal) == (None, "the view stock has no facts for it")


def test_a_changed_fact_is_found_and_named(changed):
    lake, name = open_lake(changed), an_id(changed)
    lake.rewrite("stock", lambda rows: rows.with_columns(pl.col("items") + 1000))
    replayed = replay_prediction(changed, name)
    assert not replayed.equal
    assert {entry.name for entry in replayed.inputs if not entry.equal} >= {"items"}
    assert replayed.from_log == replayed.logged, "the log itself is as it was"
    drawn = replay_sample(changed, ROWS, seed=1)
    assert drawn.equal == 0
    assert drawn.by_input["items"] == ROWS


def test_a_changed_answer_is_found(changed):
    lake, name = open_lake(changed), an_id(changed)
    here = pl.when(pl.col("id") == name)
    lake.rewrite("predictions", lambda rows: rows.with_columns(here.then(0.5).otherwise("output").alias("output")))
    replayed = replay_prediction(changed, name)
    assert (replayed.equal, replayed.logged) == (False, 0.5)
    assert replayed.from_log == replayed.from_facts != 0.5
    drawn = replay_sample(changed, ROWS)
    assert (drawn.equal, drawn.differing) == (ROWS - 1, [name])


def test_a_sample_is_counted_by_version_and_its_seed_repeats_it(logged):
    drawn = replay_sample(logged, 20, seed=5)
    assert (drawn.predictions, drawn.equal, drawn.seed, drawn.differing) == (20, 20, 5, [])
    assert drawn.versions == [ReplayedVersion(version=1, predictions=20, equal=20, differing=0)]
    assert replay_sample(logged, 1000).predictions == ROWS, "there are no more"


def test_what_could_not_be_looked_up_is_taken_as_logged(changed):
    lake, name = open_lake(changed), an_id(changed)
    lake.rewrite("stock", lambda rows: rows.with_columns(pl.col("items") + 1000))
    lake.rewrite("predictions", lambda rows: rows.with_columns(pl.lit('{"stock": "unavailable"}').alias("missing")))
    assert replay_prediction(changed, name).equal


def test_what_is_not_there_is_named(changed):
    with pytest.raises(NotFound) as caught:
        replay_prediction(changed, "nobody")
    assert caught.value.code == "unknown_prediction"
    name = an_id(changed)
    with pytest.raises(NotFound) as caught:
        replay_prediction(changed, name, other=9)
    assert caught.value.code == "unknown_version"
    shutil.rmtree(changed.root / "package")
    with pytest.raises(EnvironmentFault) as gone:
        replay_prediction(changed, name)
    assert gone.value.code == "package_missing"
    drawn = replay_sample(changed, ROWS)
    assert (drawn.equal, drawn.versions[0].differing) == (0, 0)
    assert "cannot be read" in str(drawn.versions[0].reason)


def test_without_a_log_nothing_is_drawn(tiny):
    with pytest.raises(InvalidInput) as caught:
        replay_sample(tiny.project, 5)
    assert caught.value.code == "no_predictions"
