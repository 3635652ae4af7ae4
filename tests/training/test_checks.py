"""What can be told about a training before anything is loaded or decided."""

from datetime import timedelta

import polars as pl
import pytest

from mlops_lab.errors import InvalidInput
from mlops_lab.features.definition import Features
from mlops_lab.lake import Lake
from mlops_lab.schemas.evolution import Column
from mlops_lab.tables.declared import OUTCOMES
from mlops_lab.training.checks import check_features, check_outcomes


def test_features_that_fit_the_declaration(tiny):
    check_features(tiny.project, tiny.pipeline.features)


@pytest.mark.parametrize(
    ("inputs", "derived", "reason"),
    [
        (["nothing"], {}, "cannot be computed"),
        (["minutes"], {}, "cannot be computed"),
        (["twice"], {"twice": pl.col("nothing") * 2}, "cannot be computed"),
        (["asked_at"], {}, "a model takes numbers"),
    ],
)
def test_inputs_that_do_not_fit_the_declaration(tiny, inputs, derived, reason):
    with pytest.raises(InvalidInput, match=reason) as caught:
        check_features(tiny.project, Features(inputs, tiny.pipeline.features.views, derived))
    assert caught.value.code == "bad_features"


def test_a_request_field_with_the_name_of_a_value(write_project, tiny, tmp_path):
    project = write_project(tmp_path, ('amount = "float?"', 'amount = "float?"\nitems = "integer"'))
    with pytest.raises(InvalidInput, match='"items" is a request field, and the value of a view'):
        check_features(project, tiny.pipeline.features)


def test_accepted_outcomes_without_a_value_that_is_needed_now(write_project, tiny, tmp_path):
    project = write_project(tmp_path, ('late = "boolean"', 'late = "boolean"\nreason = "string"'))
    lake = Lake(tmp_path / "lake")
    check_outcomes(project, lake)
    row = {"id": "a", "verdict": "accepted", "known_at": tiny.now, "predicted_at": tiny.now - timedelta(hours=1)}
    row |= {"asked_at": tiny.now - timedelta(hours=1), "shop": "a", "express": True, "late": True}
    OUTCOMES.append(lake, pl.DataFrame([row], schema=OUTCOMES.schema(tiny.project)))
    check_outcomes(tiny.project, lake)
    with pytest.raises(InvalidInput) as caught:
        check_outcomes(project, Lake(lake.path, declared={"outcomes": {"reason": Column(pl.String())}}))
    assert caught.value.code == "contract_breach"
