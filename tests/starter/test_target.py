"""The task that follows from the target."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from starter_tables import EVENS, ROWS, make_table

from mlops_lab.starter.analyse import analyse_table
from mlops_lab.starter.options import InitOptions

RANDOM = np.random.default_rng(3)
GRADES = RANDOM.integers(1, 6, ROWS)
TARGETS: dict[str, tuple[Any, str, tuple[str, ...]]] = {
    "booleans": ([n % 2 == 0 for n in range(ROWS)], "binary", ()),
    "0 and 1": (EVENS, "binary", ()),
    "0 and 1 with gaps": ([None if n % 50 == 0 else n % 2 for n in range(ROWS)], "binary", ()),
    "floats 0 and 1": ([float(n % 2) for n in range(ROWS)], "binary", ()),
    "yes and no": (["yes" if n % 2 else "No" for n in range(ROWS)], "binary", ()),
    "two words": ([">50K" if n % 2 else "<=50K" for n in range(ROWS)], "multiclass", ("<=50K", ">50K")),
    "1 and 2": ([1 + n % 2 for n in range(ROWS)], "multiclass", ("1", "2")),
    "words": (["a", "b", "c", "d"] * 100, "multiclass", ("a", "b", "c", "d")),
    "ten digits": ([n % 10 for n in range(ROWS)], "multiclass", tuple("0123456789")),
    "numbers": (RANDOM.normal(size=ROWS), "regression", ()),
    "whole numbers": (RANDOM.integers(0, 100, ROWS), "regression", ()),
}


@pytest.mark.parametrize("name", TARGETS)
def test_the_task_follows_from_the_target(name: str) -> None:
    values, task, classes = TARGETS[name]
    found = analyse_table(make_table(t=values), InitOptions("t"))
    assert (found.task, found.classes) == (task, classes)
    assert sum(found.counts.values()) == (0 if task == "regression" else ROWS - found.target.missing)


def test_a_question_decides_what_few_whole_numbers_are() -> None:
    frame = make_table(grade=GRADES)
    assert analyse_table(frame, InitOptions("grade")).task == "multiclass"
    assert analyse_table(frame, InitOptions("grade"), ask=lambda question: "regression").task == "regression"
    assert analyse_table(frame, InitOptions("grade", task="regression")).task == "regression"
    assert analyse_table(frame, InitOptions("grade", task="multiclass")).classes == ("1", "2", "3", "4", "5")
