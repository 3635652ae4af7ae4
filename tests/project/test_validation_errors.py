"""Errors of msgspec become errors with the line or the override, the key and a hint."""

from __future__ import annotations

import tomllib

import msgspec
import pytest

from mlops_lab.errors import InvalidInput
from mlops_lab.project.layers import FILE, Layers, values_of, with_origin
from mlops_lab.project.overrides import apply_flags
from mlops_lab.project.sections import Settings
from mlops_lab.project.validation_errors import explain_validation_error

TEXT = """[project]
name = "tiny"
[source]
table = "orders"
data = "orders.csv"
label = "late"
request = { shop = "string" }
outcome = { late = "boolean" }
[tables.stock]
data = "stock.csv"
key = ["shop"]
fields = { shop = "string" }
[tables."a b"]
data = "a.csv"
key = ["shop"]
fields = { shop = "string" }
"""


def error_of(text: str, *flags: str) -> InvalidInput:
    layers = Layers(text, apply_flags(with_origin(tomllib.loads(text), FILE), flags), flags)
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(values_of(layers.tree), Settings)
    return explain_validation_error(str(caught.value), layers)


@pytest.mark.parametrize(
    ("old", "new", "where", "what", "hint"),
    [
        ('label = "late"', "label = 5", "line 6, key source.label", "Expected `str`", "fix source.label"),
        ('label = "late"', 'labl = "late"', "line 6, key source.labl", "unknown key", 'did you mean "label"?'),
        ('label = "late"\n', "", "line 3, key source.label", "missing", "add source.label"),
        ("[source]\n", '[source]\norder = "random"\n', "line 4, key source.order", "not an allowed value", "shuffled"),
        (
            'key = ["shop"]\nfields',
            "key = [1]\nfields",
            "line 11, key tables.stock.key",
            "Expected `str`",
            "fix tables",
        ),
        ('data = "a.csv"', "data = 1", 'line 14, key tables."a b".data', "Expected `str`", "fix tables"),
        (
            'name = "tiny"',
            'name = "a shop"',
            "line 2, key project.name",
            '"a shop" cannot stand here',
            "write letters, digits",
        ),
        ("[project]", "[projct]", "line 1, key projct", "unknown section", 'did you mean "project"?'),
    ],
)
def test_an_error_names_line_and_key(old: str, new: str, where: str, what: str, hint: str) -> None:
    assert TEXT.count(old) >= 1
    error = error_of(TEXT.replace(old, new, 1))
    assert error.where == f"mlops.toml, {where}"
    assert what in error.what
    assert hint in str(error.hint)


def test_an_error_in_an_override_names_the_flag() -> None:
    error = error_of(TEXT, "serving.port=many")
    assert error.where == "--set serving.port, key serving.port"
    assert "as in mlops.toml" in str(error.hint)
