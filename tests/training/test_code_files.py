"""Which files of a project its code needs."""

from pathlib import Path

import pytest

from mlops_lab.training import code_files
from mlops_lab.training.code_files import find_code, module_names

PIPELINE = """
import polars as pl
import ages
from shop import prices
from shop.parts.sizes import WIDTH


def model():
    from late import make
    return pl.read_csv("tables/holidays.csv"), make()
"""
FILES = {
    "pipeline.py": PIPELINE,
    "ages.py": "import pipeline, pandas",
    "shop/__init__.py": "",
    "shop/prices.py": "from . import taxes",
    "shop/taxes.py": "",
    "shop/parts/__init__.py": "",
    "shop/parts/sizes.py": "from ..units import METRE\nWIDTH = 1",
    "shop/units.py": "METRE = 1",
    "late.py": "",
    "tables/holidays.csv": "day",
    "net.onnx": "graph",
}
OTHERS = {"unused.py": "", "data.csv": "1", ".venv/polars.py": "", "shop/unused.py": "", "tables/other.csv": ""}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (FILES | OTHERS).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_what_is_imported_or_named_is_found_and_nothing_else(folder):
    found = find_code(folder)
    assert found == {name: FILES[name].encode() for name in sorted(FILES)}


def test_modules_have_the_names_by_which_they_are_imported(folder):
    names = {"ages", "shop", "shop.prices", "shop.taxes", "shop.parts", "shop.parts.sizes", "shop.units", "late"}
    assert {*module_names(find_code(folder))} == names


@pytest.mark.parametrize(
    "text", ["import \x00", "def (", 'x = "../secret.txt"', 'x = "/etc/hostname"', 'x = ".hidden"']
)
def test_what_is_outside_hidden_or_no_python_is_not_taken(tmp_path, text):
    root = tmp_path / "project"
    root.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (root / ".hidden").write_text("hidden")
    (root / "pipeline.py").write_text(text)
    assert [*find_code(root)] == ["pipeline.py"]


def test_a_large_file_that_is_named_is_data(folder, monkeypatch):
    monkeypatch.setattr(code_files, "MOST_BYTES", 0)
    assert [*find_code(folder)] == ["net.onnx"]
    monkeypatch.setattr(code_files, "MOST_BYTES", max(len(text) for text in FILES.values()))
    assert find_code(folder).keys() == FILES.keys()
