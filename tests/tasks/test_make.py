"""The task of a project or a package, by its kind."""

import pytest

from mlops_lab.tasks.binary import Binary
from mlops_lab.tasks.make import make_task
from mlops_lab.tasks.multiclass import Multiclass
from mlops_lab.tasks.regression import Regression


@pytest.mark.parametrize(
    ("kind", "options", "expected"),
    [
        ("binary", {}, Binary()),
        ("binary", {"scale": 3.0}, Binary()),
        ("multiclass", {"classes": ("a", "b")}, Multiclass(("a", "b"))),
        ("regression", {"scale": 3.0}, Regression(3.0)),
    ],
)
def test_the_task_of_a_kind(kind, options, expected):
    task = make_task(kind, **options)
    assert task == expected
    assert task.kind == kind
