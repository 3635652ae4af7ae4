"""Delimited text: types, quotes, padding and codes."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from data_files import write

from mlops_lab.errors import InvalidInput
from mlops_lab.lake.batches import read_batches
from mlops_lab.lake.columns import ColumnSelection
from mlops_lab.lake.delimited import DelimitedTable, read_delimited
from mlops_lab.lake.sources import read_data


def test_codes_and_formatted_numbers_stay_text(tmp_path: Path) -> None:
    content = b'zip,long,late,date,price\n01067,12345678901234567890123,1,2024-01-02,"1,234.5"\n99999,1,x,NULL,7\n'
    frame = read_data(write(tmp_path, "a.csv", content))
    assert frame["zip"].to_list() == ["01067", "99999"]
    assert frame["long"].to_list() == ["12345678901234567890123", "1"]
    assert frame["late"].to_list() == ["1", "x"]
    assert frame["price"].to_list() == ["1,234.5", "7"]
    declared = read_data(tmp_path / "a.csv", selection=ColumnSelection(frozenset({"long", "late", "price"})))
    assert declared["zip"].to_list() == [1067, 99999], "declared, and not as text"
    assert declared["date"].to_list() == ["2024-01-02", None]


def test_types_that_appear_only_after_many_rows(tmp_path: Path) -> None:
    rows = "".join(f"{n},,{n}\n" for n in range(20_000))
    frame = read_data(write(tmp_path, "a.csv", f"a,b,c\n{rows}0.5,7,x\n".encode()))
    assert frame.dtypes == [pl.Float64, pl.Int64, pl.String]
    assert frame.row(-1) == (0.5, 7, "x")
    batches = [
        batch.frame for batch in read_batches(tmp_path / "a.csv", selection=ColumnSelection(frozenset()), rows=6000)
    ]
    assert [batch.height for batch in batches] == [6000, 6000, 6000, 2001], "no row is read twice, or lost"
    assert pl.concat(batches, how="vertical_relaxed")["a"].to_list() == [float(n) for n in range(20_000)] + [0.5]
    assert batches[-1].row(-1) == (0.5, 7, "x")


def test_a_quote_within_a_field_is_a_character(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", b'n,what\n1,5" pipe\n2,6" pipe\n3,7" and 8" pipe\n')
    assert read_data(path)["what"].to_list() == ['5" pipe', '6" pipe', '7" and 8" pipe']


def test_spaces_after_separators_are_not_part_of_the_values(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", b"age, class, pay\n39, a b, >50K\n40, c, <=50K\n")
    frame = read_data(path)
    assert frame.columns == ["age", "class", "pay"]
    assert frame["pay"].to_list() == [">50K", "<=50K"]


def test_thousands_of_columns(tmp_path: Path) -> None:
    width = 5000
    text = ",".join(f"gene_{n}" for n in range(width)) + "\n" + (",".join(["0.5"] * width) + "\n") * 20
    assert read_data(write(tmp_path, "a.csv", text.encode())).shape == (20, width)


def test_infinity_is_read_so_that_the_contract_can_check_it(tmp_path: Path) -> None:
    frame = read_data(write(tmp_path, "a.csv", b"a\n1.5\ninf\n-inf\nnan\n"))
    assert frame["a"].to_list() == [1.5, float("inf"), float("-inf"), None]


def test_the_number_of_rows_is_known_and_blank_lines_are_skipped(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", b"a,b\n\n\n1,2\n\n3,4\n\n")
    table = DelimitedTable(path, "a.csv", ColumnSelection())
    assert (table.names, table.rows) == (["a", "b"], 2)
    assert table.read().rows() == [(1, 2), (3, 4)]
    assert [frame.rows() for frame in table.batches(1) if frame.height] == [[(1, 2)], [(3, 4)]]


def test_a_header_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_delimited(write(tmp_path, "a.csv", b"a,b\n"), "a.csv", ColumnSelection())
    assert caught.value.code == "no_rows"


def test_declared_text_keeps_its_zeros_and_columns_are_selected(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", b"code,n,x\n007,1,2\n8,3,4\n")
    selection = ColumnSelection(frozenset({"code"}), skip=frozenset({"x"}))
    assert read_delimited(path, "a.csv", selection).rows() == [("007", 1), ("8", 3)]
