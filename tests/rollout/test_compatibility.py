"""Whether a version still fits `mlops.toml`."""

from dataclasses import replace

import polars as pl
import pytest

from mlops_lab.errors import Conflict, InvalidInput
from mlops_lab.project import load_project
from mlops_lab.rollout import compatibility
from mlops_lab.rollout.compatibility import (
    check_live_versions,
    check_new_fields,
    check_schema,
    check_version,
    find_conflicts,
)
from mlops_lab.rollout.decisions import DecisionKind, fold
from mlops_lab.tables.open_lake import open_lake

WORKS = {
    "another order": ('shop = "string"\namount = "float?"', 'amount = "float?"\nshop = "string"'),
    "an optional field more": ('express = "boolean"', 'express = "boolean"\npromo = "string?"'),
    "a required field more": ('express = "boolean"', 'express = "boolean"\npromo = "string"'),
    "null is not allowed any more": ('amount = "float?"', 'amount = "float"'),
    "null is allowed": ('express = "boolean"', 'express = "boolean?"'),
    "whole numbers for numbers": ('amount = "float?"', 'amount = "integer?"'),
    "a field that may be null is gone": ('amount = "float?"\n', ""),
    "an optional outcome more": ('minutes = "float?"', 'minutes = "float?"\nreason = "string?"'),
    "an outcome that may be null is gone": ('minutes = "float?"\n', ""),
    "an optional column more": ('items = "float?"', 'items = "float?"\nprice = "float?"'),
    "another time zone": ('timezone = "America/New_York"', 'timezone = "UTC"'),
    "another key": ('key = "customer"', 'key = "shop"'),
}
REFUSED = {
    "a field that is never null is gone": (('shop = "string"\namount', "amount"), "needs the request field .shop"),
    "text for a number": (('amount = "float?"', 'amount = "string?"'), '"amount" as float, and it is declared string'),
    "a number for text": (('shop = "string"\namount', 'shop = "integer"\namount'), '"shop" as string'),
    "another kind of label": (('late = "boolean"', 'late = "float"'), "predicts a binary label"),
    "a table is gone": (("[tables.stock]", "[tables.other]"), 'needs the table "stock"'),
    "text for a looked-up number": (
        ('items = "float?"', 'items = "string?"'),
        'table "stock", column "items" as float',
    ),
    "a number for a mean": (('minutes = "float?"', 'minutes = "string?"'), '"minutes" as float'),
    "a key of a look-up is gone": (('key = "customer"\n', ""), 'needs the request field "customer" for a look-up'),
}


def changed(deployable, *replacements: tuple[str, str]):
    path = deployable.project.root / "mlops.toml"
    text = path.read_text()
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new)
    path.write_text(text)
    return load_project(path.parent)


def test_the_project_that_it_was_trained_in(deployable, tiny):
    assert find_conflicts(deployable.project, tiny.plan) == []


@pytest.mark.parametrize("change", WORKS.values(), ids=WORKS.keys())
def test_a_change_that_a_version_can_answer_under(deployable, tiny, change):
    assert find_conflicts(changed(deployable, change), tiny.plan) == []


@pytest.mark.parametrize(("change", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_a_change_that_a_version_cannot_answer_under(deployable, change, reason):
    more = [('slices = ["shop"]\n', "")] if "shop" in reason else []
    more += [('customer = "string?"\n', "")] if "look-up" in reason else []
    more += [("[tables.stock.fields]", "[tables.other.fields]")] if "table" in reason and "other" in change[1] else []
    project = changed(deployable, change, *more)
    with pytest.raises(Conflict, match=reason) as caught:
        check_live_versions(project, [deployable.bootstrap], fold([deployable.bootstrap]))
    assert "version 1" in caught.value.what
    assert "mlops run" in str(caught.value.hint)


def test_a_version_that_is_not_live_does_not_count(deployable):
    project = changed(deployable, ('amount = "float?"', 'amount = "string?"'))
    check_live_versions(project, [], fold([]))
    with pytest.raises(Conflict):
        check_version(project, [deployable.decide(DecisionKind.REFUSE, 2)], 2)


def test_a_new_field_may_not_have_the_name_of_a_logged_feature(deployable):
    project = changed(deployable, ('express = "boolean"', 'express = "boolean"\nhour = "integer?"'))
    lake = open_lake(project)
    with pytest.raises(Conflict, match='"hour" is the name of a feature of version 1'):
        check_new_fields(project, lake, [deployable.bootstrap])  # it answers: the next request is logged with it
    refused = replace(deployable.bootstrap, what=DecisionKind.REFUSE)
    check_new_fields(project, lake, [refused])
    lake.append("predictions", pl.DataFrame({"id": ["a"], "hour": [5.0]}))
    with pytest.raises(Conflict, match='"hour" is the name of a feature of version 1'):
        check_new_fields(project, lake, [refused])


def test_values_that_do_not_fit_another_type_are_told_and_damage_is_left_to_the_alerts(deployable, monkeypatch):
    table = str(deployable.lake.table_path("orders"))
    rows = pl.read_delta(table).with_columns(shop=pl.lit("a-1"), amount=pl.lit("damaged"))
    rows.write_delta(table, mode="overwrite", delta_write_options={"schema_mode": "overwrite"})
    check_schema(deployable.project, open_lake(deployable.project), [deployable.bootstrap])
    project = changed(deployable, ('customer = "string?"', 'customer = "integer?"'), ('key = "customer"\n', ""))
    monkeypatch.setattr(compatibility, "find_conflicts", lambda project, plan: [])  # no view looks it up
    with pytest.raises(InvalidInput, match="is no integer"):
        check_schema(project, open_lake(project), [deployable.bootstrap])
