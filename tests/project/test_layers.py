"""Defaults, `mlops.toml`, environment, `--set`: the later layer overrides the one before and is named as the origin."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from mlops_lab.project import load_project
from mlops_lab.project.layers import FILE, Origin, SettingLeaf, overlay, with_origin
from mlops_lab.project.listing import list_settings

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


def as_override(value: Any) -> str:
    return value if isinstance(value, str) else toml(value)


def variable(key: str, upper: bool) -> str:
    name = key.replace(".", "__")
    return "MLOPS_" + (name.upper() if upper else name)


@given(layer, layer, layer, st.booleans())
def test_the_later_layer_overrides_and_is_named(tmp_path_factory, in_file, around, flagged, upper) -> None:
    folder = tmp_path_factory.mktemp("project")
    lines = BASE | in_file
    (folder / "mlops.toml").write_text("".join(f"{key} = {toml(value)}\n" for key, value in lines.items()), "utf-8")
    environment = {variable(key, upper): as_override(value) for key, value in around.items()}
    project = load_project(
        folder, flags=[f"{key}={as_override(value)}" for key, value in flagged.items()], environment=environment
    )
    shown = {row["key"]: row for row in (setting.as_dict() for setting in list_settings(project))}
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
        assert plain(project.settings, key) == row["value"], "the listed value is the one in effect"
    assert shown.keys() >= lines.keys() | around.keys() | flagged.keys()


def plain(settings: Any, key: str) -> Any:
    value = msgspec.to_builtins(settings)
    for part in key.split("."):
        value = value[part]
    return value


names = st.sampled_from("abc")
trees = st.recursive(
    st.dictionaries(names, st.integers(0, 9), min_size=1),
    lambda inner: st.dictionaries(names, inner | st.integers(0, 9), min_size=1),
)


@given(trees, trees)
def test_the_upper_tree_overrides_and_the_rest_is_kept(below, above) -> None:
    low, high = Origin("environment", "low"), Origin("--set", "high")
    merged = overlay(with_origin(below, low), with_origin(above, high))
    leaves, under, over = (dict(walk(tree)) for tree in (merged, with_origin(below, low), with_origin(above, high)))
    assert over.items() <= leaves.items()
    mentioned = {path[:length] for path in over for length in range(1, len(path) + 1)}
    for path, leaf in under.items():
        if path not in mentioned and not any(path[:length] in over for length in range(1, len(path))):
            assert leaves[path] == leaf
    assert set(leaves) <= set(under) | set(over)


def walk(tree: Any, path: tuple[str, ...] = ()) -> Any:
    for name, value in tree.items():
        yield from [((*path, name), value)] if isinstance(value, SettingLeaf) else walk(value, (*path, name))


def test_a_limit_added_to_a_type_keeps_the_origin_of_the_type() -> None:
    flag = Origin("--set", "--set x.min")
    merged = overlay(with_origin({"x": "float", "y": "string"}, FILE), with_origin({"x": {"min": 0}}, flag))
    assert merged == {
        "x": {"type": SettingLeaf("float", FILE), "min": SettingLeaf(0, flag)},
        "y": SettingLeaf("string", FILE),
    }
    assert list(merged) == ["x", "y"], "the order of the fields is that of the file"


def test_overrides_as_flags_give_the_same_settings_again(tmp_path, write_project) -> None:
    write_project(tmp_path)
    flags = ['gates.slices=["shop", "express"]', "source.request.amount.max=90.5", "gates.slice_min_rows=7"]
    variables = {"MLOPS_PROJECT__TIMEZONE": "UTC", "MLOPS_SERVING__PORT": "9100", "MLOPS_TRAINING__WINDOW": "last 30d"}
    project = load_project(tmp_path, flags=flags, environment=variables)
    overrides = project.layers.overrides()
    assert overrides["gates", "slices"] == 'gates.slices=["shop", "express"]'
    assert overrides["training", "window"] == "training.window=last 30d"
    again = load_project(tmp_path, flags=list(overrides.values()), environment={})
    assert again.settings == project.settings != load_project(tmp_path, environment={}).settings
