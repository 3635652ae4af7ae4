"""A sheet of a workbook is a table; which one is said where it is not clear."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from mlops_lab.errors import InvalidInput
from mlops_lab.lake.columns import ColumnSelection
from mlops_lab.lake.read_options import ReadOptions
from mlops_lab.lake.sources import read_data

pytest.importorskip("fastexcel")
_OPEN = "http://schemas.openxmlformats.org/"
_MAIN = f'xmlns="{_OPEN}spreadsheetml/2006/main" xmlns:r="{_OPEN}officeDocument/2006/relationships"'
_RELATION = f"{_OPEN}officeDocument/2006/relationships"


def write_workbook(path: Path, *sheets: str) -> Path:
    """A workbook in which each sheet has the columns a and b, with text and numbers."""
    rows = [("a", "b"), (" x ", 1), ("NA", 2.5)]
    numbered = list(enumerate(sheets, 1))
    with zipfile.ZipFile(path, "w") as archive:
        kinds = "".join(
            f'<Override PartName="/xl/s{n}.xml" ContentType="application/vnd.openxmlformats-officedocument'
            '.spreadsheetml.worksheet+xml"/>'
            for n, _ in numbered
        )
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{_OPEN}package/2006/content-types"><Default Extension="rels" ContentType='
            '"application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" '
            'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
            f"{kinds}</Types>",
        )
        relations = f'<Relationships xmlns="{_OPEN}package/2006/relationships">'
        archive.writestr(
            "_rels/.rels",
            f'{relations}<Relationship Id="r0" Type="{_RELATION}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        targets = "".join(
            f'<Relationship Id="r{n}" Type="{_RELATION}/worksheet" Target="s{n}.xml"/>' for n, _ in numbered
        )
        archive.writestr("xl/_rels/workbook.xml.rels", f"{relations}{targets}</Relationships>")
        listed = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, name in numbered)
        archive.writestr("xl/workbook.xml", f"<workbook {_MAIN}><sheets>{listed}</sheets></workbook>")
        for number, _ in numbered:
            body = "".join(
                f'<row r="{line}">{_cell("A", line, left)}{_cell("B", line, right)}</row>'
                for line, (left, right) in enumerate(rows, 1)
            )
            archive.writestr(f"xl/s{number}.xml", f"<worksheet {_MAIN}><sheetData>{body}</sheetData></worksheet>")
    return path


def _cell(column: str, line: int, value: object) -> str:
    if isinstance(value, str):
        return f'<c r="{column}{line}" t="inlineStr"><is><t xml:space="preserve">{value}</t></is></c>'
    return f'<c r="{column}{line}"><v>{value}</v></c>'


def test_a_sheet_is_read_and_named_where_there_are_several(tmp_path: Path) -> None:
    expected = {"a": ["x", None], "b": [1.0, 2.5]}
    assert read_data(write_workbook(tmp_path / "one[1].xlsx", "Sheet1")).to_dict(as_series=False) == expected
    two = write_workbook(tmp_path / "two.xlsx", "first", "second")
    sheet = ColumnSelection(options=ReadOptions(sheet="second"))
    assert read_data(two, selection=sheet).to_dict(as_series=False) == expected
    with pytest.raises(InvalidInput) as caught:
        read_data(two)
    assert (caught.value.code, caught.value.what) == ("no_sheet", "has 2 sheets")
    assert "--sheet" in str(caught.value.hint)
    with pytest.raises(InvalidInput, match='no sheet "third"'):
        read_data(two, selection=ColumnSelection(options=ReadOptions(sheet="third")))
