"""What answers are worth, as `[ab]` declares it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mlops_lab.errors import InvalidInput
from mlops_lab.project import Project
from mlops_lab.rollout.value import declared_metric, with_expected_value, with_value
from mlops_lab.tasks.base import LISTS, Task
from mlops_lab.tasks.binary import Binary
from mlops_lab.tasks.multiclass import Multiclass
from mlops_lab.tasks.regression import Regression

LATE = 'late = "boolean"'
CLASSES = 'late = { type = "string", categories = ["no", "a bit", "much"] }'
Write = Callable[..., Project]


def declare(write_project: Write, folder: Path, section: str, label: str = LATE) -> Project:
    return write_project(folder, (LATE, label), ("[gates]", f"[ab]\n{section}\n\n[gates]"))


def values(project: Project, task: Task, columns: dict[str, Any], schema: dict[str, Any] | None = None) -> list[Any]:
    rows = pl.DataFrame(columns, schema_overrides=schema)
    return with_value(project, rows, task=task, metric=declared_metric(project, task))["value"].to_list()


def test_each_case_of_yes_and_no_has_its_value(write_project: Write, tmp_path: Path) -> None:
    section = 'unit = "USD"\nthreshold = 0.3\ntrue_positive = 30\nfalse_positive = -10\nfalse_negative = -1.5'
    project = declare(write_project, tmp_path, section)
    rows = {"output": [0.3, 0.9, 0.29, 0.0], "truth": [1.0, 0.0, 1.0, 0.0]}
    assert values(project, Binary(), rows) == [30, -10, -1.5, 0]
    metric = declared_metric(project, Binary())
    assert (metric.unit, metric.fields) == ("USD", ())
    assert metric.says == "true positive 30, false positive -10, true negative 0, false negative -1.5; yes from 0.3 on"


def test_an_answer_expects_the_value_that_its_own_probability_says(write_project: Write, tmp_path: Path) -> None:
    project = declare(write_project, tmp_path, "true_positive = 30\nfalse_positive = -10\nthreshold = 0.25")
    rows = pl.DataFrame({"truth": [1.0, 0.0, 1.0], "output": [0.5, 0.25, 0.1]})
    metric = declared_metric(project, Binary())
    found = with_expected_value(project, rows, task=Binary(), metric=metric)
    assert found["expected_value"].to_list() == [10.0, 0.0, 0.0]
    assert found["truth"].to_list() == [1.0, 0.0, 1.0]
    other = declare(write_project, tmp_path, 'value = "output"')
    metric = declared_metric(other, Binary())
    assert with_expected_value(other, rows, task=Binary(), metric=metric).equals(rows), "it may depend on anything"


def test_an_expression_sees_request_outcome_answer_and_decision(write_project: Write, tmp_path: Path) -> None:
    section = 'value = "CASE WHEN decision THEN amount - 2 * minutes ELSE output END"'
    project = declare(write_project, tmp_path, section)
    rows = {"output": [0.5, 0.4, 0.6], "truth": [1.0] * 3, "amount": [10.0] * 3, "minutes": [3.0, 3.0, None]}
    assert values(project, Binary(), rows) == [4.0, 0.4, None]
    assert declared_metric(project, Binary()).fields == ("amount", "minutes")


def test_the_decision_of_several_classes_is_the_most_probable(write_project: Write, tmp_path: Path) -> None:
    section = "value = \"CASE WHEN decision = late THEN 1 WHEN decision = 'much' THEN -5 ELSE 0 END\""
    project = declare(write_project, tmp_path, section, CLASSES)
    rows = {
        "output": [[0.1, 0.8, 0.1], [0.1, 0.2, 0.7], [0.6, 0.2, 0.2]],
        "truth": [1.0, 0.0, 2.0],
        "late": ["a bit", "no", "much"],
    }
    task = Multiclass(("no", "a bit", "much"))
    assert values(project, task, rows, {"output": LISTS}) == [1, -5, 0]


def test_the_decision_of_a_number_is_the_number(write_project: Write, tmp_path: Path) -> None:
    project = declare(write_project, tmp_path, 'value = "-ABS(decision - late)"', 'late = "float"')
    assert values(project, Regression(), {"output": [3.0, 1.0], "truth": [1.0, 1.0], "late": [1.0, 1.0]}) == [-2, 0]


@pytest.mark.parametrize(
    ("task", "output"), [(Binary(), 0.8), (Regression(2.0), 3.0), (Multiclass(("a", "b")), [0.3, 0.7])]
)
def test_without_a_declaration_it_is_the_loss_with_its_sign_changed(tiny: Any, task: Task, output: Any) -> None:
    rows = {"output": [output], "truth": [1.0]}
    losses = task.losses(pl.Series([1.0]), pl.Series([output], dtype=task.output_dtype))
    assert values(tiny.project, task, rows, {"output": task.output_dtype}) == [-losses[0]]
    assert declared_metric(tiny.project, task).unit == task.loss_name


def test_no_number_is_no_value(write_project: Write, tmp_path: Path) -> None:
    project = declare(write_project, tmp_path, 'value = "amount / output"')
    rows = {"output": [0.0, 0.5, 0.5], "truth": [1.0] * 3, "amount": [1.0, 1.0, None]}
    assert values(project, Binary(), rows) == [None, 2.0, None]


@pytest.mark.parametrize(
    ("expression", "what"),
    [
        ("price * 2", "price"),
        ("SUM(amount)", "one value for many rows"),
        ("shop", "is no number"),
        ("SELECT", "cannot be computed"),
        ("(SELECT 1)", "cannot be computed"),
    ],
)
def test_what_cannot_be_computed_is_an_error_at_its_line(
    write_project: Write, tmp_path: Path, expression: str, what: str
) -> None:
    project = declare(write_project, tmp_path, f'value = "{expression}"')
    with pytest.raises(InvalidInput) as caught:
        declared_metric(project, Binary())
    assert what in caught.value.what
    assert "ab.value" in str(caught.value.where)
    assert caught.value.hint
