"""What is missing is named with the extra that installs it."""

from __future__ import annotations

import importlib
import sys

import pytest

from mlops_lab.charts.drawing import check_charts
from mlops_lab.errors import EnvironmentFault
from mlops_lab.extras import needs_extra


def test_a_missing_package_names_its_extra() -> None:
    with pytest.raises(EnvironmentFault) as caught, needs_extra("colours", "painting", where="wall"):
        importlib.import_module("no_such_package.of_colours")
    assert str(caught.value) == "wall: painting needs the package no_such_package, which is not installed"
    assert caught.value.hint == "pip install 'mlops-lab[colours]'"


def test_the_demo_says_before_its_work_what_its_report_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    check_charts("the report of the demo", extra="flights")
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(EnvironmentFault) as caught:
        check_charts("the report of the demo", extra="flights")
    assert caught.value.hint == "pip install 'mlops-lab[flights]'"
