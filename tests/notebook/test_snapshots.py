"""A snapshot of a table, from a notebook."""

from typing import Any

import pytest

from mlops_lab import Project, snapshot
from mlops_lab.errors import NotFound


def test_a_snapshot_has_rows_and_a_fingerprint(tiny: Any, shop: Project) -> None:
    taken = snapshot(shop)
    assert taken.table == "orders"
    assert taken in {taken, tiny.lake.snapshot("orders")}
    assert str(snapshot(shop, "stock")) == "stock@0"
    assert taken.fingerprint in repr(taken)
    assert "2,000" in taken._repr_html_()
    with pytest.raises(NotFound, match="no table"):
        snapshot(shop, "nothing")
