"""A candidate before it is registered: what makes it another one, and the plan of its package."""

from dataclasses import replace

import pytest

from mlops_lab.registry.package import load_plan
from mlops_lab.training.candidate import make_plan, prepare_candidate
from mlops_lab.training.fit import Fitted


@pytest.fixture(scope="module")
def candidate(tiny):
    return prepare_candidate(tiny.project, tiny.lake, now=tiny.now)


def test_the_same_code_and_data_are_the_same_candidate(tiny, candidate):
    assert prepare_candidate(tiny.project, tiny.lake, now=tiny.now).identity == candidate.identity
    assert candidate.data.fingerprint == tiny.training.fingerprint


def test_other_code_or_other_features_are_another_candidate(tiny, candidate):
    pipelines = [
        replace(tiny.pipeline, fingerprint="another"),
        replace(tiny.pipeline, features=replace(tiny.pipeline.features, inputs=["amount"])),
    ]
    identities = {
        prepare_candidate(tiny.project, tiny.lake, now=tiny.now, pipeline=pipeline).identity for pipeline in pipelines
    }
    assert len(identities | {candidate.identity}) == 3


def test_the_plan_is_that_of_the_package_but_for_the_engine(tiny, candidate):
    fitted = Fitted(None, "binary", (), [], lambda rows: None, categories=tiny.plan.categories)
    plan, packaged = make_plan(tiny.project, candidate, fitted), load_plan(tiny.package)
    assert (plan.task, plan.classes, plan.scale, plan.time) == ("binary", [], 1.0, "asked_at")
    assert plan.features == packaged.features
    assert plan.categories == packaged.categories
    assert plan.request == packaged.request
    assert plan.tables.keys() == packaged.tables.keys()
