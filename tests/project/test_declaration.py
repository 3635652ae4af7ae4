"""The declarations of fields, as msgspec reads them from `mlops.toml`."""

from __future__ import annotations

import msgspec
import pytest

from mlops_lab.contracts.fields import DTYPES
from mlops_lab.project.declaration import FIELD_KINDS, FieldSection, SourceSection, TableSection, type_of

SOURCE = {"table": "t", "data": "t.csv", "label": "y", "request": {"a": "float"}, "outcome": {"y": "boolean"}}


def test_the_type_of_a_field_in_both_forms() -> None:
    assert type_of("float?") == type_of(FieldSection(type="float?", min=0)) == "float?"


def test_the_kinds_of_fields_are_those_of_the_contract() -> None:
    assert set(FIELD_KINDS) == set(DTYPES)


def test_a_field_is_a_type_or_a_table() -> None:
    source = msgspec.convert({**SOURCE, "request": {"a": "float", "b": {"type": "string"}}}, SourceSection)
    assert source.request == {"a": "float", "b": FieldSection(type="string")}


@pytest.mark.parametrize(
    "change", [{"request": {"a": {"min": 1}}}, {"unknown": 1}, {"order": "sorted"}, {"outcome_within_days": 0}]
)
def test_a_source_that_does_not_fit_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**SOURCE, **change}, SourceSection)


def test_two_sections_do_not_share_their_defaults() -> None:
    one, other = (TableSection(data="t.csv", key=["a"], fields={"a": "string"}) for _ in range(2))
    assert one == other
    assert one.rename is not other.rename
