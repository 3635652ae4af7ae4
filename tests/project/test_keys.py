"""The known keys of `mlops.toml`, and the hints about unknown ones."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import inspect

from mlops_lab.project.keys import (
    choices_at,
    did_you_mean,
    dotted,
    known_keys_hint,
    names_at,
    types_at,
    unknown_key_message,
)
from mlops_lab.project.sections import Settings

VALUES = {"tables": {"weather": {"fields": {"origin": "string"}}}, "source": {"request": {"a": "float"}}}
plain_names = st.text("abcAB09_-", min_size=1, max_size=5)
any_names = st.text(st.characters(max_codepoint=0xFF, exclude_categories=["Cc"]), max_size=5)


@given(st.lists(plain_names | any_names, min_size=1, max_size=4))
def test_a_dotted_key_is_read_by_toml_as_the_same_path(path: list[str]) -> None:
    table = tomllib.loads(f"{dotted(path)} = 0")
    for name in path:
        table = table[name]
    assert table == 0


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (["serving", "port"], [inspect.IntType]),
        (["serving", "host"], [inspect.StrType]),
        (["gates", "slices"], [inspect.ListType]),
        (["backtest", "share"], [inspect.FloatType, inspect.NoneType]),
        (["source", "request"], [inspect.DictType]),
        (["source", "request", "x"], [inspect.StrType, inspect.StructType]),
        (["source", "request", "x", "min"], [inspect.FloatType, inspect.NoneType]),
        (["serving", "nothing"], []),
        (["serving", "port", "x"], []),
    ],
)
def test_the_types_at_a_path(path: list[str], expected: list[type]) -> None:
    assert sorted(type(found).__name__ for found in types_at(path)) == sorted(kind.__name__ for kind in expected)


def test_names_are_those_of_the_section_or_of_the_values_where_names_are_free() -> None:
    assert names_at([], VALUES) == list(Settings.__struct_fields__)
    assert "port" in names_at(["serving"], VALUES)
    assert names_at(["tables"], VALUES) == ["weather"]
    assert names_at(["tables", "weather", "fields"], VALUES) == ["origin"]
    assert names_at(["tables", "missing", "fields"], VALUES) == []
    assert "categories" in names_at(["source", "request", "a"], VALUES)
    assert names_at(["serving", "port"], VALUES) == []


def test_choices_are_listed_where_there_are_any() -> None:
    assert choices_at(["serving", "durability"]) == ["async", "fsync"]
    assert choices_at(["serving", "port"]) == []


def test_a_similar_name_is_suggested() -> None:
    assert did_you_mean("Prot", ["host", "PORT"]) == 'did you mean "PORT"? '
    assert did_you_mean("zzz", ["host", "port"]) == ""


def test_messages_about_an_unknown_key() -> None:
    assert unknown_key_message("x", []) == 'unknown section "x"'
    assert unknown_key_message("x", ["serving"]) == 'unknown key "x" in [serving]'
    assert known_keys_hint(["serving"], ["host", "port"]) == "the keys of [serving] are host, port"
    assert known_keys_hint([], ["project"]) == "the sections are project"
    assert "is one value" in known_keys_hint(["serving", "port"], [])
    assert "declare it under [tables]" in known_keys_hint(["tables"], ["weather"])
