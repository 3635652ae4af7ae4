"""What flags say about a file."""

from __future__ import annotations

import pytest

from mlops_lab.errors import InvalidInput
from mlops_lab.lake.read_options import check_decimal, split_names


def test_names_are_separated_by_commas() -> None:
    assert split_names(None) == ()
    assert split_names('a, b,"c, d"') == ("a", "b", "c, d")


def test_a_decimal_is_a_point_or_a_comma() -> None:
    assert [check_decimal(text) for text in (None, ".", ",")] == [None, ".", ","]
    with pytest.raises(InvalidInput, match="neither"):
        check_decimal(";")
