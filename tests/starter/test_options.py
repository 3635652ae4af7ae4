"""The column that an option means."""

from __future__ import annotations

import polars as pl
import pytest

from mlops_lab.errors import InvalidInput
from mlops_lab.starter.columns import ColumnProfile, name_fields, profile_column
from mlops_lab.starter.options import UserQuestion, find_column, take_default

NAMES = ["Order ID", "price", "city"]
FIELDS = name_fields(NAMES, frozenset())
COLUMNS: dict[str, ColumnProfile] = {name: profile_column(pl.Series(name, [1, 2]), FIELDS[name])[0] for name in NAMES}


@pytest.mark.parametrize(("name", "column"), [("price", "price"), ("Order ID", "Order ID"), ("Order_ID", "Order ID")])
def test_a_column_is_found_by_its_name_and_by_its_field(name: str, column: str) -> None:
    assert find_column(name, COLUMNS, "--id") == column


@pytest.mark.parametrize(
    ("name", "hint"), [("prize", "did you mean price?"), ("zzz", "the data has Order ID, price, city")]
)
def test_an_unknown_column_is_refused_with_suggestions(name: str, hint: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        find_column(name, COLUMNS, "--key")
    assert (caught.value.code, caught.value.where, caught.value.hint) == ("unknown_column", "--key", hint)


def test_the_default_answer() -> None:
    assert take_default(UserQuestion("--task", "which?", ("a", "b"), "b")) == "b"
    with pytest.raises(InvalidInput) as caught:
        take_default(UserQuestion("--time", "which?", ("a", "b"), "b", needs_answer=True))
    assert (caught.value.code, caught.value.where) == ("unclear_column", "--time")
    assert caught.value.hint == "name it, such as --time b"
