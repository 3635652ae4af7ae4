"""A project in a notebook: its tables, status and versions."""

from typing import Any

import pytest

from mlops_lab import Project, snapshot
from mlops_lab.errors import InvalidInput, NotFound


def test_a_project_shows_its_tables(tiny: Any, shop: Project) -> None:
    snapshot(shop)
    assert repr(shop.tables).splitlines()[-2:] == ["orders  2,000        0", "stock     720        0"]
    assert "late (binary), from 5 request fields" in repr(shop)
    assert "orders, stock" in shop._repr_html_()
    assert shop.read("stock", version=0).height == 720
    assert shop.status()["champion"] is None
    assert "no version is live" in repr(shop.status())
    with pytest.raises(InvalidInput, match="no version is live"):
        shop.version()


def test_a_missing_project_is_an_error(tmp_path: Any) -> None:
    with pytest.raises(NotFound, match=r"no mlops.toml"):
        Project(tmp_path)
