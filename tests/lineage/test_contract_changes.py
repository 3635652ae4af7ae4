"""The contract now and before."""

import shutil
import subprocess
from pathlib import Path

import pytest

from mlops_lab.errors import InvalidInput
from mlops_lab.lineage.contract_changes import changes_since, changes_since_stored, find_conflict
from mlops_lab.project import Project, load_project
from mlops_lab.tables.open_lake import open_lake

PROMO = ('amount = "float?"', 'amount = "float?"\npromo = "string"')


@pytest.fixture
def copy(tiny, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny.project.root, tmp_path / "project"))


def changed(root: Path, *replacements: tuple[str, str]) -> Project:
    text = (root / "mlops.toml").read_text()
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new, 1)
    (root / "mlops.toml").write_text(text)
    return load_project(root)


def test_nothing_changed_since_the_rows_were_stored(copy):
    assert changes_since_stored(load_project(copy)) == {"orders": [], "stock": []}


def test_changes_since_the_rows_were_stored(copy):
    project = changed(copy, PROMO, ('shop = "string"\namount', 'shop = "integer"\namount'), ('items = "float?"\n', ""))
    changes = changes_since_stored(project)
    first = open_lake(project).read("orders", columns=["shop"], as_stored=True)["shop"][0]
    assert [str(change) for change in changes["orders"]] == [
        "promo: added (string); not backward: rows from before have no value: declare a default, or that it may be null "
        "(`?`); forward compatible",
        f"shop: type string → integer; not backward: the stored value {first!r} is no integer; not forward: integer values may be no "
        "string",
    ]
    assert [change.change for change in changes["stock"]] == ["removed (float?)"]


def test_a_table_that_was_not_loaded_has_no_past(write_project, tmp_path):
    assert changes_since_stored(write_project(tmp_path)) == {}


def test_what_stored_rows_need_is_a_conflict(copy):
    assert find_conflict(load_project(copy)) is None
    conflict = find_conflict(changed(copy, ('id = "order_id"', 'id = "number"')))
    assert conflict is not None
    assert conflict.code == "identity_changed"


def test_changes_since_a_commit(copy):
    def git(*arguments: str) -> None:
        who = ["-c", "user.email=a@b.c", "-c", "user.name=n"]
        subprocess.run(["git", *who, *arguments], cwd=copy, check=True, capture_output=True)

    git("init", "-q")
    git("add", "mlops.toml", "pipeline.py")
    git("commit", "-qm", "first")
    project = changed(copy, PROMO)
    assert [change.field for change in changes_since(project, "HEAD")["orders"]] == ["promo"]
    for wrong in ("nothing", "--output=x"):
        with pytest.raises(InvalidInput):
            changes_since(project, wrong)
    assert not (copy / "x").exists()
