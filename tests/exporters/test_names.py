"""The names of things in other tools."""

from __future__ import annotations

import ast
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.exporters.names import make_identifier, make_name
from mlops_lab.project import Project


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("depot_12h", "depot_12h"), ("12h", "_12h"), ("late or not?", "late_or_not_"), ("größe", "gr__e")],
)
def test_an_identifier(name: str, wanted: str) -> None:
    assert make_identifier(name) == wanted
    assert make_identifier(name).isidentifier()


@given(st.text(min_size=1))
def test_every_name_becomes_an_identifier(name: str) -> None:
    ast.parse(f"{make_identifier(name)}_key = 1")


@pytest.mark.parametrize(
    ("name", "wanted"), [("parcels", "parcels"), ("2nd_Shop", "2nd-shop"), ("_", "model"), ("a" * 60, "a" * 40)]
)
def test_a_name_that_all_tools_take(name: str, wanted: str, live_project: Project) -> None:
    settings = live_project.settings
    named = msgspec.structs.replace(settings, project=msgspec.structs.replace(settings.project, name=name))
    assert make_name(replace(live_project, settings=named)) == wanted
