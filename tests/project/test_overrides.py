"""Overrides by the environment and by `--set`: how their values are read, and the errors about them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mlops_lab.errors import InvalidInput, MlopsError
from mlops_lab.project import FieldSection, Settings, load_project

FLIGHTS = Path(__file__).parents[2] / "examples" / "flights"


def settings(*flags: str, **environment: str) -> Settings:
    return load_project(FLIGHTS, flags=flags, environment=environment).settings


def refused(*flags: str, **environment: str) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        settings(*flags, **environment)
    assert caught.value.code == "bad_config"
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("serving.port", "9000", 9000),
        ("serving.port", " 9_000 ", 9000),
        ("serving.host", "0.0.0.0", "0.0.0.0"),
        ("serving.host", '"quoted"', '"quoted"'),
        ("project.name", "42", "42"),
        ("source.weight", "distance", "distance"),
        ("serving.durability", "fsync", "fsync"),
        ("rollout.max_loss", "1", 1.0),
        ("rollout.max_loss", "1e-3", 0.001),
        ("backtest.share", "0.5", 0.5),
        ("gates.slices", '[ "dest", ]', ["dest"]),
        ("gates.slices", "[]", []),
        ("tables.planes.monotone", "true", True),
        ("source.request.carrier", "string?", "string?"),
        ("source.request.carrier.type", "string?", "string?"),
        ("source.request.flight.min", "0", 0.0),
        ("source.request.distance.max", "9", 9.0),
        (
            "source.request.carrier",
            '{ type = "string", categories = ["AA"] }',
            FieldSection(type="string", categories=["AA"]),
        ),
    ],
)
def test_values_are_read_by_the_type_of_their_key(key: str, text: str, value: Any) -> None:
    overridden = settings(f"{key}={text}")
    assert settings(**{"MLOPS_" + key.replace(".", "__").upper(): text}) == overridden
    value_set: Any = msgspec.to_builtins(overridden)
    for part in key.split("."):
        value_set = value_set[part]
    value = msgspec.to_builtins(value)
    assert (value_set, type(value_set)) == (value, type(value))


def test_a_limit_is_added_to_a_field() -> None:
    request = settings("source.request.flight.min=0", "source.request.distance.max=9").source.request
    assert request["flight"] == FieldSection(type="integer", min=0.0)
    assert request["distance"] == FieldSection(type="float", min=0.0, max=9.0)
    assert list(request) == list(settings().source.request)


def test_a_table_adds_to_the_table_of_the_file() -> None:
    overridden = settings('source.request={ extra = "float" }', MLOPS_SOURCE__REQUEST="{ other = 'integer?' }")
    names = list(settings().source.request)
    assert list(overridden.source.request) == [*names, "other", "extra"]
    gates = settings("gates={ slice_min_rows = 5 }").gates
    assert (gates.slice_min_rows, gates.slices) == (5, ["origin", "carrier"])


def test_the_last_flag_holds_and_flags_hold_over_the_environment() -> None:
    assert settings("serving.port=1", "serving.port=2", MLOPS_SERVING__PORT="3").serving.port == 2


def test_quoted_parts_of_a_key_are_taken_apart_as_toml_does(write_project: Any, tmp_path: Path) -> None:
    write_project(tmp_path, ('shop = "string"\namount', 'shop = "string"\n"größe" = "float"\namount'))
    project = load_project(tmp_path, flags=['source.request."größe".min=0'], environment={})
    assert project.settings.source.request["größe"] == FieldSection(type="float", min=0.0)


def test_other_variables_are_not_read() -> None:
    others = {"MLOPS_DEBUG": "1", "MLOPS_": "", "MLOPS": "x", "mlops_serving__port": "x", "XMLOPS_SERVING__PORT": "x"}
    assert settings(**others) == settings()


def test_the_environment_of_the_process_is_read_unless_another_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLOPS_SERVING__PORT", "9001")
    assert load_project(FLIGHTS).settings.serving.port == 9001
    assert settings().serving.port == 8321


@pytest.mark.parametrize(
    ("key", "text", "what", "hint"),
    [
        ("servin.port", "1", "unknown section", 'did you mean "serving"?'),
        ("serving.prt", "1", "unknown key", 'did you mean "port"?'),
        ("serving.zzz", "1", "unknown key", "host, port, durability, workers, "),
        ("serving.port.x", "1", "unknown key", "is one value"),
        ("tables.weathr.data", "x", "unknown key", 'did you mean "weather"?'),
        ("tables.weather.fields.humidty", "float", "unknown key", 'did you mean "humidity"?'),
        ("source.request.distanse", "float", "unknown key", 'did you mean "distance"?'),
        ("source.request.distance.mn", "1", "unknown key", 'did you mean "min"?'),
        ("serving.port", "nine", "Expected `int`, got `str`", "as in mlops.toml"),
        ("serving.port", "", "Expected `int`, got `str`", "as in mlops.toml"),
        ("serving.port", "0", "Expected `int` >= 1", "as in mlops.toml"),
        ("serving.port", "1\nhost = 2", "Expected `int`, got `str`", "as in mlops.toml"),
        ("serving.durability", "fsinc", "not an allowed value", 'did you mean "fsync"?'),
        ("gates.slices", "origin", "Expected `array`", '["a", "b"]'),
        ("tables.planes.monotone", "True", "Expected `bool`", "true"),
        ("source.request.distance", "flaot", 'unknown type "flaot"', 'did you mean "float"?'),
        # checks beyond the types
        ("gates.slices", '["orign"]', "not a field", 'did you mean "origin"?'),
        ("project.timezone", "Nowhere", "not a time zone", "IANA"),
        ("source.label", "lat", "not an outcome field", 'did you mean "late"?'),
        ("source.label", "arrival_delay", "the label is a float?", "never null"),
        ("source.time", "dest", '"dest" is a string', "datetime"),
        ("source.time", "asked_at", "needs a time in the data", "declare source.time"),
        ("source.id", "dest", "in both request and outcome", "belongs to"),
        ("source.weight", "dest", "the weight is string", "numbers"),
        ("source.table", "planes", "declared twice", "rename"),
        ("source.request.dest.min", "1", "neither min nor max", "limits"),
        ("tables.weather.known_at", "known", "not a field", 'did you mean "known_at"?'),
        ("tables.weather.fields.origin", "float", "is a float", "never null"),
        ("tables.planes.fresh_within", "6h", "has no known_at", "set known_at"),
        ("tables.weather.fresh_within", "6", "not a duration", "90m"),
    ],
)
def test_an_error_names_the_variable_or_the_flag(key: str, text: str, what: str, hint: str) -> None:
    variable = "MLOPS_" + key.upper().replace(".", "__")
    for error, where in (
        (refused(f"{key}={text}"), f"--set {key}"),
        (refused(**{variable: text}), f"environment variable {variable}"),
    ):
        assert what in error.what
        assert hint in error.hint
        assert error.where in {where, f"{where}, key {key}"} or error.where.startswith(f"{where}, key {key}.")


@pytest.mark.parametrize("flag", ["", "serving.port", "=1", ".=1", "a b=1", "serving.=1", "[serving]\nport=1"])
def test_a_flag_that_sets_no_key_gets_a_hint(flag: str) -> None:
    error = refused(flag)
    assert error.where == "--set"
    assert "SECTION.KEY=VALUE" in error.hint


def test_flags_are_written_as_the_keys_are(write_project: Any, tmp_path: Path) -> None:
    assert 'did you mean "port"?' in refused("serving.PORT=1").hint
    write_project(tmp_path)
    for name in ("shop", "SHOP"):
        one = load_project(tmp_path, environment={f"MLOPS_SOURCE__REQUEST__{name}": "string?"}).settings.source.request
        assert one["shop"] == "string?"
    with pytest.raises(InvalidInput, match='"Shop" and "shop" differ by case only'):
        write_project(tmp_path, ('shop = "string"\namount', 'shop = "string"\nShop = "string"\namount'))


def test_bytes_that_are_no_text_are_refused() -> None:
    error = refused(MLOPS_SOURCE__DATA=os.fsdecode(b"data/\xff.csv"))
    assert error.where == "environment variable MLOPS_SOURCE__DATA"
    assert "UTF-8" in error.what


parts = st.sampled_from(["serving", "port", "tables", "weather", "fields", "source", "request", "dest", "min", "x", ""])


@given(st.lists(parts, min_size=2, max_size=4), st.text(alphabet='[]{}="#.,\n\t x5é-', max_size=6))
@example(["source", "request"], "{}")
@example(["serving", "host"], "[" * 5000)
@example(["gates", "slices"], "[" * 5000)
def test_any_override_is_accepted_or_gives_one_clear_error(path: list[str], text: str) -> None:
    """The error, if there is one, is about the override: the file is correct."""
    for flags, environment in (
        ([f"{'.'.join(path)}={text}"], {}),
        ([], {f"MLOPS_{'__'.join(path)}": text}),
    ):
        try:
            load_project(FLIGHTS, flags=flags, environment=environment)
        except MlopsError as error:
            assert (error.where or "").startswith(("--set", "environment variable MLOPS_"))
            assert error.hint
