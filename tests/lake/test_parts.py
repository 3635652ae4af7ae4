"""Data that is read in parts has the rows, types and errors of data that is read at once."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mlops_lab.errors import InvalidInput, MlopsError
from mlops_lab.lake import parts
from mlops_lab.lake.columns import ColumnSelection
from mlops_lab.lake.parts import open_parts
from mlops_lab.lake.read_options import ReadOptions
from mlops_lab.lake.sources import read_data
from mlops_lab.notes import listening

DECLARED = ColumnSelection(text=frozenset({"name"}))


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "CELLS_PER_PART", 6)
    monkeypatch.setattr(parts, "_HEAD_ROWS", 2)


def read_both(path: Path, selection: ColumnSelection) -> tuple[object, object]:
    """What reading the data at once and in parts gives, each with what it told: the rows, or the error in words."""

    def in_parts() -> pl.DataFrame:
        with open_parts(path, selection) as opened:
            frames = list(opened.read())
            assert [frame.schema for frame in frames] == [pl.Schema(opened.schema)] * len(frames)
            assert pl.concat(frames).equals(pl.concat(opened.read()))
            return pl.concat(frames)

    def outcome(read: Callable[[], pl.DataFrame]) -> object:
        notes: list[str] = []
        with listening(notes.append):
            try:
                rows = read()
                return rows.schema, rows.rows(), notes
            except MlopsError as error:
                return str(error), error.code, error.where, error.hint, notes

    return outcome(lambda: read_data(path, selection=selection)), outcome(in_parts)


TEXTS = {
    "numbers": "name,x\n7,1\n8,2\n9,2.5\n10,NA\n",
    "text after numbers": "name,x\n" + "1,1\n" * 20 + "2,a\n",
    "codes after numbers": "name,x\n" + "1,NA\n2,1\n" * 10 + "2,007\n",
    "long codes": "name,x\n1,?\n2,1.5\n3,12345678901234567890\n",
    "no value": "name,x\n1,\n2,\n",
    "blank lines and spaces": "name, x\n\na, 1\n\n\nb, 2\nc, \n",
    "header only": "name,x\n",
    "ragged": "name,x\n1,2\n1,2,3\n",
    "twice": "x,x\n1,2\n",
    "one column": "x\n1\n\n2\n3\n4\n5\n6\n7\n",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_text(tmp_path: Path, text: str) -> None:
    (tmp_path / "data.csv").write_text(text)
    whole, parted = read_both(tmp_path / "data.csv", DECLARED)
    assert parted == whole


def test_types_that_the_first_rows_mislead_about_are_guessed_again(tmp_path: Path) -> None:
    lines = ["name,x,y", *(f"a,{number},1" for number in range(12_000)), "a,1.5,b"]
    (tmp_path / "data.csv").write_text("\n".join(lines))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "CELLS_PER_PART", 3000)
        whole, parted = read_both(tmp_path / "data.csv", DECLARED)
    assert parted == whole


def test_numbers_with_a_comma(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("name;x;y\n1;1.234,5;1\n2;2;b\n3;;1,5\n4;1,5 €;2\n")
    selection = ColumnSelection(text=frozenset({"name"}), options=ReadOptions(decimal=",", na=("2",)))
    whole, parted = read_both(tmp_path / "data.csv", selection)
    assert parted == whole


FRAME = pl.DataFrame(
    {
        "name": [" a ", "NA", "b", None, "c"],
        "late": [None, None, None, 1, 2],
        "none": pl.Series([None] * 5, dtype=pl.String),
        "list": [[1], [2], [], None, [3]],
        "category": pl.Series(["x", "y", "x", None, "NA"], dtype=pl.Categorical),
        "number": [float("nan"), 1.0, 2.0, None, 3.0],
    }
)


def test_parquet_with_columns_that_are_left_out_renamed_and_converted(tmp_path: Path) -> None:
    FRAME.write_parquet(tmp_path / "data.parquet")
    selection = ColumnSelection(rename={"late": "delay"}, skip=frozenset({"category"}))
    for chosen in (DECLARED, selection):
        whole, parted = read_both(tmp_path / "data.parquet", chosen)
        assert parted == whole


def test_a_delta_table(tmp_path: Path) -> None:
    for folder in ("plain", "with a space"):
        for _ in range(2):
            FRAME.drop("category").write_delta(tmp_path / folder, mode="append")
        whole, parted = read_both(tmp_path / folder, DECLARED)
        assert parted == whole


@pytest.mark.parametrize(
    "others",
    [
        [pl.DataFrame({"name": ["x"], "x": [1.5]})],
        [pl.DataFrame({"name": ["x"], "x": [None]}), pl.DataFrame({"x": [3], "name": ["x"]})],
        [pl.DataFrame({"name": ["x"], "x": ["text"]})],
        [pl.DataFrame({"name": ["x"]})],
        [pl.DataFrame({"name": ["x"], "x": [1], "y": [1]})],
        [pl.DataFrame(schema={"name": pl.String(), "x": pl.Int64()})],
    ],
)
@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl"])
def test_a_folder_of_files(tmp_path: Path, others: list[pl.DataFrame], kind: str) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    write: dict[str, Callable[[pl.DataFrame, Path], Any]] = {
        "parquet": pl.DataFrame.write_parquet,
        "csv": pl.DataFrame.write_csv,
        "jsonl": pl.DataFrame.write_ndjson,
    }
    for number, rows in enumerate([pl.DataFrame({"name": ["1", "2", "3"], "x": [1, None, 3]}), *others]):
        write[kind](rows, folder / f"{number}.{kind}")
    whole, parted = read_both(folder, DECLARED)
    assert parted == whole


def test_of_several_kinds_and_of_damaged_files(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    FRAME.select("number").write_parquet(tmp_path / "data" / "a")
    (tmp_path / "data" / "b").write_text("number\n1\n")
    (tmp_path / "damaged.parquet").write_bytes(b"PAR1 and no more")
    for path in (tmp_path / "data", tmp_path / "damaged.parquet", tmp_path / "none"):
        whole, parted = read_both(path, DECLARED)
        assert parted == whole


@pytest.mark.parametrize("rows", [3, 5, 9])
def test_data_that_changes_meanwhile_is_an_error(tmp_path: Path, rows: int) -> None:
    path = tmp_path / "data.parquet"
    pl.DataFrame({"x": range(5)}).write_parquet(path)
    with open_parts(path, DECLARED) as opened:
        pl.DataFrame({"x": range(rows)}).write_parquet(tmp_path / "new")
        os.replace(tmp_path / "new", path)
        with pytest.raises(InvalidInput) as caught:
            list(opened.read())
    assert caught.value.code == "file_changes"
