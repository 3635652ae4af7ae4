"""What identifies stored rows must not change under them."""

import shutil
from pathlib import Path

import polars as pl
import pytest

from mlops_lab.errors import Conflict, InvalidInput
from mlops_lab.lake import Lake
from mlops_lab.project import load_project
from mlops_lab.schemas.evolution import Column
from mlops_lab.tables.identity import check_identity, check_types
from mlops_lab.tables.open_lake import open_lake

KNOWN = 'key = ["shop"]\nknown_at = "known_at"\n'


def check(tiny, folder: Path, *replacements: tuple[str, str]) -> None:
    """Check the small project with its `mlops.toml` changed."""
    root = Path(shutil.copytree(tiny.project.root, folder / "project"))
    text = (root / "mlops.toml").read_text()
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new)
    (root / "mlops.toml").write_text(text)
    project = load_project(root)
    check_identity(project, open_lake(project))


@pytest.mark.parametrize(
    "replacements",
    [
        [],
        [('amount = "float?"', 'amount = "float?"\npromo = "string?"')],
        [('name = "tiny"', 'name = "other"')],
        [('table = "orders"', 'table = "orders_2"')],
        [(KNOWN, 'key = ["shop", "items"]\nknown_at = "known_at"\n'), ('items = "float?"', 'items = "integer"')],
    ],
)
def test_rows_that_can_still_be_told_apart(tiny, tmp_path, replacements):
    check(tiny, tmp_path, *replacements)


@pytest.mark.parametrize(
    ("replacements", "reason"),
    [
        ([('id = "order_id"', 'id = "number"')], '"number", which is now `id`'),
        ([("asked_at", "asked")], '"asked", which is now `time`'),
        (
            [('label = "late"', 'label = "late"\n'), ('known_at = "known_at"\nlabel', 'known_at = "told_at"\nlabel')],
            "told_at",
        ),
        (
            [(KNOWN, 'key = ["size"]\nknown_at = "known_at"\n'), ('items = "float?"', 'size = "string"')],
            '"size", which',
        ),
        (
            [(KNOWN, 'key = ["shop"]\n'), ('known_at = "datetime"\nitems', "items")],
            "several stored rows have the same shop",
        ),
    ],
)
def test_rows_that_would_be_loaded_again_or_be_known_always(tiny, tmp_path, replacements, reason):
    with pytest.raises(Conflict, match=reason) as caught:
        check(tiny, tmp_path, *replacements)
    assert caught.value.code == "identity_changed"
    assert caught.value.hint


def test_a_stored_value_that_does_not_fit_its_new_type_is_named(tmp_path):
    lake = Lake(tmp_path, declared={"orders": {"note": Column(pl.Int64())}})
    lake.append("orders", pl.DataFrame({"note": ["7"]}))
    check_types(lake, {"orders": ["note", "colour"]})
    lake.append("orders", pl.DataFrame({"note": ["fragile"]}))
    with pytest.raises(InvalidInput, match="'fragile' is no integer") as caught:
        check_types(lake, {"orders": ["note"]})
    assert caught.value.code == "type_changed"
