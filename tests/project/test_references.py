"""Checks beyond the types: names refer to something, and related keys fit together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mlops_lab.errors import InvalidInput
from mlops_lab.project import Project, load_project
from mlops_lab.project.layers import FILE, Layers, overlay, with_origin
from mlops_lab.project.references import check_references
from mlops_lab.project.sections import Settings

BASE: dict[str, Any] = {
    "project": {"name": "tiny"},
    "source": {
        "table": "orders",
        "data": "orders.csv",
        "label": "late",
        "request": {"asked_at": "datetime", "amount": "float", "shop": "string"},
        "outcome": {"late": "boolean"},
    },
    "tables": {"stock": {"data": "stock.csv", "key": ["shop"], "fields": {"shop": "string", "at": "datetime"}}},
}


def check(change: Mapping[str, Any]) -> None:
    tree = overlay(with_origin(BASE, FILE), with_origin(dict(change), FILE))
    layers = Layers("", tree)
    values = overlay_values(BASE, change)
    check_references(msgspec.convert(values, Settings), layers)


def overlay_values(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(lower)
    for name, value in upper.items():
        old = merged.get(name)
        merged[name] = overlay_values(old, value) if isinstance(value, dict) and isinstance(old, dict) else value
    return merged


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"project": {"timezone": "America/New_York", "clock": "data"}},
        {"source": {"key": "shop", "weight": "amount"}},
        {"source": {"outcome": {"late": {"type": "string", "categories": ["a", "b"]}}}},
        {"gates": {"slices": ["shop", "late"]}},
        {"model": {"trusted_types": ["sklearn.tree._tree.Tree"]}},
        {"tables": {"stock": {"known_at": "at", "fresh_within": "6h", "min_rows_per_day": 1}}},
        {"source": {"request": {"amount": {"type": "float", "min": 0, "max": 0}}}},
        {"tracking": {"uri": "https://mlflow.example.com/lab"}},
        {"approval": {"steps": ["promote"], "people": 2, "approvers": {"promote": ["ada", "bob"]}}},
    ],
)
def test_settings_that_fit_together_are_accepted(change: dict[str, Any]) -> None:
    check(change)


@pytest.mark.parametrize(
    ("change", "key", "what"),
    [
        ({"tracking": {"uri": "https://me:s3cr3t@host"}}, "tracking.uri", "must not hold a name or a password"),
        ({"tracking": {"uri": "sqlite:///mlflow.db"}}, "tracking.uri", "is not the address of a server"),
        ({"tracking": {"uri": "https://"}}, "tracking.uri", "is not the address of a server"),
        ({"project": {"timezone": "Nowhere"}}, "project.timezone", "not a time zone"),
        ({"tables": {"stock": {"known_at": "shop"}}}, "tables.stock.known_at", 'known_at "shop" is a string'),
        ({"source": {"request": {"_x": "float"}}}, "source.request._x", "underscore"),
        ({"source": {"request": {"Shop": "string"}}}, "source.request.Shop", "differ by case only"),
        ({"source": {"outcome": {"Amount": "float"}}}, "source.outcome.Amount", "differ by case only"),
        ({"source": {"request": {"unit price": "float"}}}, 'source.request."unit price"', "cannot be the name"),
        ({"source": {"request": {"x": "flaot"}}}, "source.request.x", "unknown type"),
        ({"source": {"request": {"x": {"type": "string", "format": "%d"}}}}, "source.request.x", "no format"),
        ({"source": {"request": {"x": {"type": "string", "min": 1}}}}, "source.request.x", "neither min nor max"),
        ({"source": {"request": {"x": {"type": "float", "min": 2, "max": 1}}}}, "source.request.x", "valid range"),
        ({"source": {"request": {"x": {"type": "float", "categories": ["a"]}}}}, "source.request.x", "categories"),
        ({"source": {"request": {"x": {"type": "string", "categories": []}}}}, "source.request.x", "categories"),
        ({"source": {"time": "day"}}, "source.time", "not a request field"),
        ({"source": {"key": "day"}}, "source.key", "not a request field"),
        ({"source": {"label": "day"}}, "source.label", "not an outcome field"),
        ({"source": {"request": {"asked_at": "string"}}}, "source.time", "is a string"),
        ({"source": {"outcome": {"late": "float?"}}}, "source.outcome.late", "the label is a float?"),
        ({"source": {"outcome": {"late": "string"}}}, "source.outcome.late", "needs categories"),
        ({"source": {"weight": "shop"}}, "source.weight", "the weight is string"),
        ({"source": {"weight": "day"}}, "source.weight", "the weight is nothing"),
        ({"source": {"outcome": {"shop": "string"}}}, "source.request.shop", "both request and outcome"),
        ({"source": {"request": {"verdict": "string"}}}, "source.request.verdict", "column that the loop adds"),
        ({"gates": {"slices": ["day"]}}, "gates.slices", "not a field"),
        ({"triggers": {"tick_every": "often"}}, "triggers.tick_every", "not a duration"),
        ({"ab": {"true_positive": 1, "value": "output"}}, "ab.value", "declared twice"),
        ({"ab": {"true_negative": 1}, "source": {"outcome": {"late": "float"}}}, "ab.true_negative", "is a float"),
        ({"ab": {"value": "1"}, "source": {"request": {"decision": "float"}}}, "source.request.decision", "meaning"),
        ({"source": {"outcome_delay": "0h"}}, "source.outcome_delay", "not a duration"),
        ({"model": {"trusted_types": ["os.system"]}}, "model.trusted_types", "can run any code"),
        ({"source": {"table": "stock"}}, "tables.stock", "declared twice"),
        ({"tables": {"stock": {"key": ["day"]}}}, "tables.stock.key", "not a field"),
        ({"tables": {"stock": {"fields": {"shop": "float"}}}}, "tables.stock.key", "is a float"),
        ({"tables": {"stock": {"fields": {"received_at": "datetime"}}}}, "tables.stock.fields.received_at", "loop"),
        ({"tables": {"stock": {"fresh_within": "6h"}}}, "tables.stock", "has no known_at"),
        ({"tables": {"stock": {"known_at": "at", "fresh_within": "6"}}}, "tables.stock.fresh_within", "duration"),
    ],
)
def test_settings_that_do_not_fit_name_the_key(change: dict[str, Any], key: str, what: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check(change)
    assert caught.value.where == f"mlops.toml, key {key}"
    assert what in caught.value.what
    assert caught.value.hint


@pytest.mark.parametrize(
    ("approval", "key", "what"),
    [
        ({"approvers": {"promote": ["ada"]}}, "approval.approvers.promote", '"promote" needs no approval'),
        (
            {"steps": ["promote"], "people": 2, "approvers": {"promote": ["ada", "ada"]}},
            "approval.approvers.promote",
            "1 of the 2 people",
        ),
    ],
)
def test_approvals_that_nobody_could_give_are_an_error(approval: dict[str, Any], key: str, what: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check({"approval": approval})
    assert key in str(refused.value.where)
    assert what in refused.value.what


def test_approval_is_set_in_the_file_alone(tmp_path: Path, write_project: Callable[..., Project]) -> None:
    """Who could leave it out for one command would need no approval."""
    write_project(tmp_path, ("[backtest]", '[approval]\nsteps = ["promote"]\n\n[backtest]'))
    for given in ({"flags": ["approval.steps=[]"]}, {"environment": {"MLOPS_APPROVAL__STEPS": "[]"}}):
        with pytest.raises(InvalidInput, match=r"can only be set in mlops\.toml"):
            load_project(tmp_path, **given)
    assert load_project(tmp_path).settings.approval.steps == ["promote"]


DECLARED = {"test": "data.3", "by": "Ana Lima", "on": date(2026, 11, 2), "note": "looked at it"}


@pytest.mark.parametrize(
    ("declared", "key", "what"),
    [
        ([DECLARED | {"test": "data.8"}], "readiness.0.test", 'there is no test "data.8"'),
        ([DECLARED | {"by": " "}], "readiness.0.by", '"data.3" is declared without a by'),
        ([DECLARED, DECLARED | {"test": "data.4", "note": ""}], "readiness.1.note", "without a note"),
        ([DECLARED, DECLARED], "readiness.1.test", '"data.3" is declared twice'),
    ],
)
def test_a_declaration_of_readiness_names_a_test_and_a_person(declared: list[Any], key: str, what: str) -> None:
    check({"readiness": [DECLARED, DECLARED | {"test": "model.7"}]})
    with pytest.raises(InvalidInput) as refused:
        check({"readiness": declared})
    assert key in str(refused.value.where)
    assert what in refused.value.what


def test_readiness_is_declared_in_the_file_alone(tmp_path: Path, write_project: Callable[..., Project]) -> None:
    """What is declared is kept with the code: nobody declares it for one command."""
    write_project(tmp_path)
    flag = 'readiness=[{test = "data.3", by = "Ana", on = "2026-11-02", note = "n"}]'
    with pytest.raises(InvalidInput, match=r"can only be set in mlops\.toml"):
        load_project(tmp_path, flags=[flag])


def test_a_secret_of_a_channel_is_refused_and_not_repeated() -> None:
    check({"alerts": {"channels": {"ops": "env:OPS"}}})
    with pytest.raises(InvalidInput, match="must not hold a secret: its password") as refused:
        check({"alerts": {"channels": {"ops": "mailto://lab:hunter2@example.com"}}})
    assert "alerts.channels.ops" in str(refused.value.where)
    assert "env:NAME" in str(refused.value.hint)
    assert "hunter2" not in f"{refused.value}{refused.value.hint}"


@pytest.mark.parametrize(
    "rule",
    [
        {"feature": "amount", "severity": "off"},
        {"detector": "nulls", "feature": "amount", "smallest": 0.1},
        {"slice": "shop=a", "severity": "note"},
        {"detector": "quality"},
    ],
)
def test_rules_of_monitors_that_are_about_something_are_accepted(rule: dict[str, Any]) -> None:
    check({"gates": {"slices": ["shop"]}, "monitors": [rule]})


@pytest.mark.parametrize(
    ("rule", "key", "hint"),
    [
        ({"severity": "off"}, "monitors.1", "add detector, feature or slice"),
        ({"detector": "null"}, "monitors.1.detector", 'did you mean "nulls"?'),
        ({"detector": "quality", "feature": "amount"}, "monitors.1.feature", "detectors of inputs are"),
        ({"feature": "amount", "slice": "shop=a"}, "monitors.1.feature", "remove feature"),
        ({"slice": "shop"}, "monitors.1.slice", "FIELD=VALUE"),
        ({"slice": "amount=1"}, "monitors.1.slice", "a FIELD of gates.slices"),
        ({"slice": "shop=a", "detector": "nulls"}, "monitors.1.slice", "detectors of slices are"),
    ],
)
def test_a_rule_of_a_monitor_that_can_fit_nothing_is_an_error(rule: dict[str, Any], key: str, hint: str) -> None:
    with pytest.raises(InvalidInput) as found:
        check({"gates": {"slices": ["shop"]}, "monitors": [{"detector": "skill"}, rule]})
    assert key in str(found.value.where)
    assert hint in str(found.value.hint)
