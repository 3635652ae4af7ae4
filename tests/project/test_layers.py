"""Defaults < `mlops.toml` < environment < `--set`: whatever is said where, the later layer holds, and says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.project import load_project
from mlops_lab.project.layers import FILE, Leaf, Origin, mark, overlay
from mlops_lab.project.shown import list_settings

BASE = {
    "project.name": "tiny",
    "source.table": "orders",
    "source.data": "orders.csv",
    "source.label": "late",
    "source.request.asked_at": "datetime",
    "source.request.amount": "float",
    "source.request.shop": "string",
    "source.outcome.late": "boolean",
    "tables.Stock.data": "stock.csv",
    "tables.Stock.key": ["shop"],
    "tables.Stock.fields.shop": "string",
}
words = st.text(st.characters(exclude_categories=["C"]), max_size=8)
VALUES = {
    "project.timezone": st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"]),
    "project.clock": st.sampled_from(["wall", "data"]),
    "source.data": words,
    "source.request.amount": st.sampled_from(["float", "float?", "integer"]),
    "source.outcome_within_days": st.integers(1, 10**6),
    "tables.Stock.monotone": st.booleans(),
    "backtest.share": st.floats(0, 0.5, exclude_min=True),
    "gates.slices": st.lists(st.sampled_from(["amount", "shop"])),
    "gates.max_slice_loss": st.floats(0, exclude_min=True, allow_infinity=False),
    "serving.host": words,
    "serving.port": st.integers(1, 65535),
}
layer = st.fixed_dictionaries({}, optional=VALUES)


def toml(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def said(value: Any) -> str:
    return value if isinstance(value, str) else toml(value)


def variable(key: str, upper: bool) -> str:
    name = key.replace(".", "__")
    return "MLOPS_" + (name.upper() if upper else name)


@given(layer, layer, layer, st.booleans())
def test_the_later_layer_holds_and_is_named(tmp_path_factory, in_file, around, flagged, upper) -> None:
    folder = tmp_path_factory.mktemp("project")
    lines = BASE | in_file
    (folder / "mlops.toml").write_text("".join(f"{key} = {toml(value)}\n" for key, value in lines.items()), "utf-8")
    environment = {variable(key, upper): said(value) for key, value in around.items()}
    project = load_project(
        folder, flags=[f"{key}={said(value)}" for key, value in flagged.items()], environment=environment
    )
    shown = {row["key"]: row for row in (one.as_dict() for one in list_settings(project))}
    for key, row in shown.items():
        if key in flagged:
            assert (row["value"], row["from"], row["where"]) == (flagged[key], "--set", f"--set {key}")
        elif key in around:
            assert (row["value"], row["from"], row["where"]) == (around[key], "environment", variable(key, upper))
        elif key in lines:
            line = f"mlops.toml, line {list(lines).index(key) + 1}"
            assert (row["value"], row["from"], row["where"]) == (lines[key], "mlops.toml", line)
        else:
            assert (row["from"], row["where"]) == ("default", None)
        assert plain(project.settings, key) == row["value"], "what is shown is what holds"
    assert shown.keys() >= lines.keys() | around.keys() | flagged.keys()


def plain(settings: Any, key: str) -> Any:
    found = msgspec.to_builtins(settings)
    for part in key.split("."):
        found = found[part]
    return found


names = st.sampled_from("abc")
trees = st.recursive(
    st.dictionaries(names, st.integers(0, 9), min_size=1),
    lambda inner: st.dictionaries(names, inner | st.integers(0, 9), min_size=1),
)


@given(trees, trees)
def test_what_is_above_holds_whole_and_what_it_does_not_speak_of_stays(below, above) -> None:
    low, high = Origin("environment", "low"), Origin("--set", "high")
    merged = overlay(mark(below, low), mark(above, high))
    leaves, under, over = (dict(walk(tree)) for tree in (merged, mark(below, low), mark(above, high)))
    assert over.items() <= leaves.items()
    spoken_of = {path[:length] for path in over for length in range(1, len(path) + 1)}
    for path, leaf in under.items():
        if path not in spoken_of and not any(path[:length] in over for length in range(1, len(path))):
            assert leaves[path] == leaf
    assert set(leaves) <= set(under) | set(over)


def walk(tree: Any, path: tuple[str, ...] = ()) -> Any:
    for name, found in tree.items():
        yield from [((*path, name), found)] if isinstance(found, Leaf) else walk(found, (*path, name))


def test_a_limit_on_a_field_that_is_only_a_type_leaves_the_type_where_it_was_said() -> None:
    flag = Origin("--set", "--set x.min")
    merged = overlay(mark({"x": "float", "y": "string"}, FILE), mark({"x": {"min": 0}}, flag))
    assert merged == {"x": {"type": Leaf("float", FILE), "min": Leaf(0, flag)}, "y": Leaf("string", FILE)}
    assert list(merged) == ["x", "y"], "the order of the fields is that of the file"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("redis://:s3cret@127.0.0.1:6379/0", "redis://***@127.0.0.1:6379/0"),
        ("redis://me:s3@cret@host/0", "redis://***@host/0"),
        ("redis://host/0?db=1&password=s3cret", "redis://host/0?db=1&password=***"),
        ("redis://host/0?Api_Key=s3cret&db=1", "redis://host/0?Api_Key=***&db=1"),
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
    ],
)
def test_secrets_are_not_shown(write_project, tmp_path: Path, address: str, shown: str) -> None:
    write_project(tmp_path)
    project = load_project(tmp_path, environment={"MLOPS_SERVING__ONLINE_STORE": address})
    assert project.settings.serving.online_store == address
    rows = {row["key"]: row["value"] for row in (one.as_dict() for one in list_settings(project))}
    assert rows["serving.online_store"] == shown
    assert "s3" not in str(rows)
