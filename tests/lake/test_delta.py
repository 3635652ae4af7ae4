"""The lake: appended exactly once, read as it was, and clear about what is wrong."""

import errno
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import duckdb
import polars as pl
import pytest
from deltalake import DeltaTable, TableFeatures
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_lab.errors import EnvironmentFault, InvalidInput, MlopsError, NotFound
from mlops_lab.lake import Lake
from mlops_lab.lake.snapshots import fingerprint_table
from mlops_lab.schemas.evolution import Column

START = datetime(2013, 3, 1, tzinfo=UTC)


def rows(*numbers: int, **columns: object) -> pl.DataFrame:
    at = [START + timedelta(hours=number) for number in numbers]
    return pl.DataFrame(
        {"number": numbers, "at": at, **columns},
        schema_overrides={"number": pl.Int64, "at": pl.Datetime("us", "UTC")},
    )


def numbers(lake: Lake, **how: object) -> list[int]:
    return lake.read("table", **how)["number"].sort().to_list()


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(tmp_path / "a folder with spaces, ü" / "lake")


def test_what_is_appended_is_read_back(lake):
    assert not lake.exists("table")
    assert lake.append("table", rows(1, 2))
    assert lake.append("table", rows(3))
    assert lake.exists("table")
    assert lake.read("table").sort("number").equals(rows(1, 2, 3))
    assert lake.tables() == ["table"]
    assert lake.schema("table") == dict(rows(1).schema)


def test_only_tables_are_listed(lake):
    lake.append("rows", rows(1))
    (lake.path / "a file").touch()
    (lake.path / "a folder").mkdir()
    assert lake.tables() == ["rows"]


def test_rows_of_a_position_are_appended_once(lake):
    assert lake.position("table", "w") == 0
    assert lake.append("table", rows(1), position=("w", 5))
    assert not lake.append(
        "table", rows(1), position=("w", 5)
    )  # repeated, because the process died before the append returned
    assert not lake.append("table", rows(9), position=("w", 4))
    assert lake.append("table", rows(2), position=("w", 6))
    assert lake.append("table", rows(3), position=("another", 1))
    assert lake.append("table", rows(4))
    assert (lake.position("table", "w"), lake.position("table", "another")) == (6, 1)
    assert numbers(lake) == [1, 2, 3, 4]


def test_a_new_process_knows_the_position(lake):
    lake.append("table", rows(1), position=("w", 5))
    again = Lake(lake.path)
    assert not again.append("table", rows(1), position=("w", 5))
    assert again.append("table", rows(2), position=("w", 6))
    assert numbers(lake) == numbers(again) == [1, 2]
    assert not lake.append("table", rows(2), position=("w", 6))


def test_an_append_without_rows_moves_the_position(lake):
    lake.append("table", rows(1), position=("w", 1))
    assert lake.append("table", rows(), position=("w", 9))
    assert lake.position("table", "w") == 9
    assert numbers(lake) == [1]


DIE_IN_APPEND = """
import os, sys
import mlops_lab.lake.delta as tables
from mlops_lab.lake import Lake
from mlops_lab.lake.snapshots import fingerprint_table
from mlops_lab.schemas.evolution import Column
import polars as pl

when, path = sys.argv[1:]
write = tables.write_deltalake

def dying(*args, **options):
    if when == "before":
        os._exit(9)
    write(*args, **options)
    os._exit(9)

tables.write_deltalake = dying
Lake(__import__("pathlib").Path(path)).append("table", pl.DataFrame({"number": [2]}), position=("w", 2))
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_append_repeated_after_a_crash_writes_once(lake, when):
    one, two = (pl.DataFrame({"number": [number]}) for number in (1, 2))
    lake.append("table", one, position=("w", 1))
    died = subprocess.run([sys.executable, "-c", DIE_IN_APPEND, when, str(lake.path)], check=False)
    assert died.returncode == 9
    again = Lake(lake.path)
    assert again.append("table", two, position=("w", 2)) == (when == "before")
    assert numbers(again) == [1, 2]


@settings(max_examples=12)
@given(st.lists(st.tuples(st.sampled_from("vw"), st.integers(1, 4)), min_size=1, max_size=8))
def test_each_position_is_in_the_table_once(tmp_path_factory, sent):
    """Whatever is sent again, by whichever process: per writer only numbers beyond its last."""
    path = tmp_path_factory.mktemp("lake")
    lakes = [Lake(path), Lake(path)]
    expected, reached = [], {"v": 0, "w": 0}
    for index, (writer, number) in enumerate(sent):
        wrote = lakes[index % 2].append("table", rows(index), position=(writer, number))
        assert wrote == (number > reached[writer])
        if wrote:
            reached[writer] = number
            expected.append(index)
    for lake in lakes:
        assert numbers(lake) == expected
        assert {writer: lake.position("table", writer) for writer in reached} == reached


def test_a_table_kept_open_sees_many_appends_of_another_process(lake):
    lake.append("table", rows(0), position=("w", 1))
    other = Lake(lake.path)
    for number in range(1, 45):
        writer = lake if number % 3 else other
        assert writer.append("table", rows(number), position=("w", number + 1))
    assert numbers(lake) == numbers(other) == list(range(45))
    assert lake.version("table") == other.version("table") == 44


def test_a_version_is_read_as_it_was(lake):
    for number in range(4):
        lake.append("table", rows(number))
    assert lake.version("table") == 3
    assert [numbers(lake, version=version) for version in range(4)] == [[0], [0, 1], [0, 1, 2], [0, 1, 2, 3]]
    assert numbers(lake) == [0, 1, 2, 3]  # the version just read does not stay
    snapshot = lake.snapshot("table")
    assert (str(snapshot), snapshot.rows) == ("table@3", 4)
    assert fingerprint_table(lake.read("table", version=1)) != snapshot.fingerprint


def test_new_columns_are_added_and_missing_ones_are_null(lake):
    lake.append("table", rows(1))
    lake.append("table", rows(2, note=["x"]))
    lake.append("table", rows(3))
    table = lake.read("table").sort("number")
    assert table.columns == ["number", "at", "note"]
    assert table["note"].to_list() == [None, "x", None]
    assert numbers(lake, version=0) == [1]
    assert lake.schema("table")["note"] == pl.String


def test_a_column_gets_a_type_that_fits_new_and_old_values(lake):
    lake.append("table", rows(1, note=[1.5]), position=("w", 1))
    lake.append("table", rows(2, note=["x"]), position=("w", 2))
    assert lake.read("table").sort("number")["note"].to_list() == ["1.5", "x"]
    assert (lake.position("table", "w"), numbers(lake)) == (2, [1, 2])
    assert lake.append("table", rows(3, note=[2.5]), position=("w", 3))
    assert not lake.append("table", rows(3, note=[2.5]), position=("w", 3))
    assert lake.read("table").sort("number")["note"].to_list() == ["1.5", "x", "2.5"]
    assert lake.read("table", version=0)["note"].to_list() == [1.5]  # nothing that was stored is lost


def test_numbers_stay_numbers_where_new_ones_fit(lake):
    lake.append("table", rows(1, note=[1.5]))
    lake.append("table", rows(2, note=[2]))
    lake.append("table", rows(3, note=["3"]))
    assert lake.read("table").sort("number")["note"].to_list() == [1.5, 2.0, 3.0]


def test_columns_are_read_as_they_are_declared_now(tmp_path):
    Lake(tmp_path).append("table", rows(1, 2, code=[7, None]))
    columns = {"code": Column(pl.String()), "new": Column(pl.Int64()), "gift": Column(pl.String(), "none")}
    lake = Lake(tmp_path, declared={"table": columns})
    assert lake.read("table").sort("number").select("code", "new", "gift").rows() == [
        ("7", None, "none"),
        (None, None, "none"),
    ]
    assert lake.read("table", columns=["new", "number"]).sort("number").rows() == [(None, 1), (None, 2)]
    assert lake.read("table", as_stored=True).columns == ["number", "at", "code"]
    lake.append("table", rows(3, code=["a-7"], gift=["red"]))
    assert lake.read("table").sort("number")["code"].to_list() == ["7", None, "a-7"]
    assert lake.read("table").sort("number")["gift"].to_list() == ["none", "none", "red"]


def test_a_declared_type_that_a_stored_value_does_not_fit_is_an_error_and_changes_nothing(tmp_path):
    Lake(tmp_path).append("table", rows(1, code=["a-7"]))
    lake = Lake(tmp_path, declared={"table": {"code": Column(pl.Int64())}})
    with pytest.raises(InvalidInput, match="the stored value 'a-7' is no integer") as caught:
        lake.read("table")
    assert caught.value.where == 'table "table", column "code"'
    assert lake.read("table", columns=["number"]).height == 1  # what does not need the column goes on
    lake.append("table", rows(2, code=[5]))  # and nothing that arrives is lost
    assert Lake(tmp_path).read("table").sort("number")["code"].to_list() == ["a-7", "5"]


@given(st.lists(st.integers(0, 40), min_size=1, max_size=30), st.integers(-1, 41), st.integers(-1, 1))
@settings(max_examples=15)
def test_since_keeps_the_rows_from_a_moment_on_and_before_the_earlier_ones(tmp_path_factory, hours, hour, nudge):
    lake = Lake(tmp_path_factory.mktemp("lake"))
    half = len(hours) // 2 + 1
    for part in (hours[:half], hours[half:]):
        lake.append("table", rows(*part), time="at")
    moment = START + timedelta(hours=hour, microseconds=nudge)
    expected = sorted(number for number in hours if START + timedelta(hours=number) >= moment)
    assert numbers(lake, since=("at", moment)) == expected
    assert numbers(lake, since=("at", moment), columns=["number"]) == expected
    earlier = sorted(set(hours) - set(expected))
    assert sorted(set(numbers(lake, before=("at", moment)))) == earlier
    assert numbers(lake, since=("at", moment), before=("at", moment)) == []


def test_files_out_of_bounds_are_not_read(lake):
    for number in range(4):
        lake.append("table", rows(number), time="at")
    for file in lake.bounds("table", "at"):
        if file.least != START + timedelta(hours=2):
            (lake.table_path("table") / file.path).write_bytes(b"damaged")
    since, before = START + timedelta(hours=2), START + timedelta(hours=3)
    assert numbers(lake, since=("at", since), before=("at", before)) == [2]


def test_each_file_has_its_own_rows_however_many_are_read_together(lake):
    lake.append("table", rows(1, 2))
    lake.append("table", rows(3, note=["x"]))
    lake.append("table", rows())
    files = sorted(lake.files("table"), key=lambda name: (lake.table_path("table") / name).stat().st_mtime_ns)
    read = list(lake.read_files("table", files, columns=["number", "note"]))
    assert [part["number"].to_list() for part in read] == [[1, 2], [3], *([[]] if len(files) == 3 else [])]
    assert [part["note"].to_list() for part in read[:2]] == [[None, None], ["x"]]
    (lake.table_path("table") / files[0]).write_bytes(b"damaged")
    with pytest.raises(EnvironmentFault):
        list(lake.read_files("table", files))


def test_a_table_with_features_of_another_tool_is_read_by_delta_rs(lake):
    lake.append("table", rows(1, 2), time="at")
    opened = DeltaTable(str(lake.table_path("table")))
    opened.alter.add_feature(TableFeatures.DeletionVectors, allow_protocol_versions_increase=True)
    assert opened.protocol().min_reader_version > 1
    assert numbers(lake) == [1, 2]
    assert numbers(lake, since=("at", START + timedelta(hours=2)), columns=["number"]) == [2]


def test_only_the_columns_asked_for_are_read(lake):
    lake.append("table", rows(1, note=["x"]))
    assert lake.read("table", columns=["note", "number"]).columns == ["note", "number"]


def test_others_read_the_table_in_one_line(tmp_path):
    lake = Lake(tmp_path)  # no spaces: Polars' own reader of Delta tables does not find files in such a folder
    lake.append("table", rows(1, 2))
    lake.append("table", rows(3))
    assert pl.read_delta(str(lake.table_path("table")))["number"].sum() == 6
    delta = DeltaTable(lake.table_path("table")).to_pyarrow_dataset()
    assert duckdb.sql("select sum(number) from delta").fetchall() == [(6,)]
    assert delta.count_rows() == 3


@pytest.mark.parametrize(
    "ask",
    [
        lambda lake: lake.read("nope"),
        lambda lake: lake.version("nope"),
        lambda lake: lake.snapshot("nope"),
    ],
)
def test_a_table_that_does_not_exist_is_named_beside_those_that_do(lake, ask):
    with pytest.raises(NotFound, match='"nope"') as caught:
        ask(lake)
    assert "mlops run" in caught.value.hint
    lake.append("table", rows(1))
    with pytest.raises(NotFound) as caught:
        ask(lake)
    assert "table" in caught.value.hint
    assert not lake.table_path("nope").exists()


def test_asking_for_a_schema_or_a_position_makes_no_table(lake):
    assert lake.schema("nope") == {}
    assert lake.position("nope", "w") == 0
    assert lake.tables() == []


def test_a_version_that_does_not_exist_is_an_error_with_a_hint(lake):
    lake.append("table", rows(1))
    with pytest.raises(MlopsError) as caught:
        lake.read("table", version=7)
    assert caught.value.hint


def test_a_damaged_file_is_an_error_with_a_hint(lake):
    lake.append("table", rows(*range(100)))
    file = next(lake.table_path("table").glob("*.parquet"))
    file.write_bytes(file.read_bytes()[:40])
    with pytest.raises(EnvironmentFault) as caught:
        Lake(lake.path).read("table")
    assert 'table "table"' in str(caught.value)
    assert "backup" in caught.value.hint


def test_a_file_in_the_place_of_the_folder_is_an_error_with_a_hint(lake):
    lake.path.parent.mkdir()
    lake.path.write_text("not a folder")
    with pytest.raises(EnvironmentFault) as caught:
        lake.append("table", rows(1))
    assert caught.value.hint


AS_NOBODY = """
import os, sys
from pathlib import Path
import polars as pl
from mlops_lab.errors import EnvironmentFault
from mlops_lab.lake import Lake
from mlops_lab.lake.snapshots import fingerprint_table
from mlops_lab.schemas.evolution import Column

os.umask(0)
if os.geteuid() == 0:  # permissions do not bind root
    os.setegid(65534)
    os.seteuid(65534)
lake = Lake(Path(sys.argv[1]))
try:
    lake.append(sys.argv[2], pl.DataFrame({"number": [2]}), position=("w", 2))
except EnvironmentFault as error:
    print(error.code, "|", error.where, "|", error.what, "|", error.hint)
"""


@pytest.mark.parametrize("name", ["table", "new"])
def test_a_folder_that_cannot_be_written_is_an_error_with_a_hint(tmp_path_factory, name):
    base = tmp_path_factory.mktemp("closed")
    for folder in (base, *base.parents):  # pytest keeps its folders to the owner; only reading is opened
        if (folder.stat().st_uid == os.geteuid() and "pytest" in folder.name) or folder == base:
            folder.chmod(0o755)
    lake = Lake(base / "lake")
    lake.append("table", pl.DataFrame({"number": [1]}), position=("w", 1))
    folders = [path for path in (lake.path, *lake.path.rglob("*")) if path.is_dir()]
    for folder in folders:
        folder.chmod(0o555)
    try:
        done = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, str(lake.path), name], capture_output=True, text=True, check=False
        )
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert "Traceback" not in done.stderr, done.stderr
    code, where, what, hint = done.stdout.strip().split(" | ")
    assert code == "lake_fault"
    assert f'table "{name}"' in where
    assert what == "permission denied"
    assert "permissions" in hint
    assert lake.tables() == ["table"]
    assert numbers(Lake(lake.path)) == [1]


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOSPC, "full"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permission denied"),
        (errno.EIO, "Input/output"),
    ],
)
def test_errors_of_the_operating_system_become_plain_words(lake, number, expected):
    from mlops_lab.lake.faults import lake_fault

    for error in (OSError(number, os.strerror(number)), OSError(f"Input/output trouble (os error {number})")):
        fault = lake_fault(error, "table", lake.path)
        assert expected in fault.what
        assert fault.hint


def test_of_processes_that_append_the_same_position_one_does(lake):
    """Also where the table is created by it."""
    for position in range(1, 7):
        lakes, told = [Lake(lake.path) for _ in range(4)], []
        together = threading.Barrier(4)

        def append(one: Lake, position=position, together=together, told=told) -> None:
            together.wait()
            told.append(one.append("table", rows(position), position=("w", position)))

        threads = [threading.Thread(target=append, args=(one,)) for one in lakes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert sorted(told) == [False, False, False, True]
    assert numbers(lake) == [1, 2, 3, 4, 5, 6]


def test_processes_that_append_as_different_writers_lose_nothing(lake):
    together = threading.Barrier(4)

    def append(writer: int) -> None:
        one = Lake(lake.path)
        together.wait()
        for position in range(1, 6):
            assert one.append("table", rows(10 * writer + position), position=(str(writer), position))

    threads = [threading.Thread(target=append, args=(writer,)) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert numbers(lake) == [10 * writer + position for writer in range(4) for position in range(1, 6)]
