"""Versions are found by what was decided about them."""

import pytest

from mlops_lab.errors import NotFound
from mlops_lab.project import load_project
from mlops_lab.rollout.decisions import DecisionKind
from mlops_lab.rollout.versions import classes_by_version, find_version, load_features, load_predictor


def test_a_version_is_found_by_its_first_decision(deployable, tiny):
    later = deployable.decide(DecisionKind.PROMOTE, 1, package="another folder")
    live = find_version([deployable.bootstrap, later], 1)
    assert (live.version, live.package, live.fingerprint) == (1, "package", tiny.fingerprint)
    with pytest.raises(NotFound, match="version 2"):
        find_version([deployable.bootstrap, later], 2)


def test_features_are_those_of_the_package(deployable, tiny):
    features = load_features(deployable.project, [deployable.bootstrap], 1)
    assert features.version == tiny.pipeline.features.version


def test_a_predictor_is_the_registered_package(deployable, tiny):
    predictor = load_predictor(deployable.project, [deployable.bootstrap], 1)
    inputs = tiny.training.holdout_inputs.head(5)
    assert predictor.version == 1
    assert predictor.score(inputs).equals(tiny.predictor.score(inputs))


def test_classes_are_those_of_the_package_and_none_where_it_is_gone(deployable, tiny):
    decisions = [deployable.bootstrap, deployable.decide(DecisionKind.SHADOW, 2, package="gone")]
    assert classes_by_version(deployable.project, decisions) == {}
    text = (deployable.project.root / "mlops.toml").read_text()
    label = 'late = { type = "string", categories = ["no", "yes"] }'
    (deployable.project.root / "mlops.toml").write_text(text.replace('late = "boolean"', label))
    assert classes_by_version(load_project(deployable.project.root), decisions) == {1: tiny.plan.classes}
