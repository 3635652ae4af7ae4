"""The folder of a demo: which spans and folders are accepted, and what `--fresh` removes."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from mlops_lab.clock import day_start, to_micros
from mlops_lab.errors import InvalidInput
from mlops_lab.loop.days import WRITER
from mlops_lab.project import load_project
from mlops_lab.replay.demo_folder import EARLIEST, LATEST, MARKER, DemoOptions, ReplaySpan, open_folder, remove_demo
from mlops_lab.tables.declared import MEASUREMENTS
from mlops_lab.tables.open_lake import open_lake

EXAMPLE = Path(__file__).parents[2] / "examples/flights"
FIRST, LAST = date(2013, 3, 1), date(2013, 3, 9)
OLDER = ReplaySpan(date(2013, 5, 1), date(2013, 5, 2))


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    """A folder in which a demo of another span has begun."""
    (tmp_path / MARKER).write_bytes(msgspec.json.encode(OLDER))
    (tmp_path / "data").mkdir()
    (tmp_path / "data/flights.parquet").write_bytes(b"rows")
    shutil.copy(EXAMPLE / "mlops.toml", tmp_path)
    return tmp_path


def measure(demo: Path, day: date) -> None:
    """Note that the tick after a day has measured it."""
    project = load_project(demo)
    end = day_start(day + timedelta(days=1), project.timezone)
    rows = pl.DataFrame(schema=MEASUREMENTS.fixed_schema)
    MEASUREMENTS.append(open_lake(project), rows, position=(WRITER, to_micros(end)))


def test_a_new_folder_gets_the_span_of_the_options(tmp_path: Path) -> None:
    options = DemoOptions(tmp_path / "new", FIRST, LAST)
    assert open_folder(options) == ReplaySpan(FIRST, LAST)
    assert open_folder(DemoOptions(tmp_path, EARLIEST, LATEST)) == ReplaySpan(EARLIEST, LATEST)


def test_a_span_of_which_nothing_is_asked_is_ten_months(tmp_path: Path) -> None:
    assert open_folder(DemoOptions(tmp_path)) == ReplaySpan(FIRST, LATEST)


def test_resume_takes_the_span_of_the_folder(demo: Path) -> None:
    assert open_folder(DemoOptions(demo, resume=True)) == OLDER


def test_resume_goes_on_to_another_last_day(demo: Path) -> None:
    """Also to an earlier one, as long as it is not over; and the next `--resume` knows it."""
    for last in (date(2013, 6, 1), date(2013, 5, 1)):
        assert open_folder(DemoOptions(demo, last=last, resume=True)) == ReplaySpan(OLDER.first, last)
        assert open_folder(DemoOptions(demo, OLDER.first, resume=True)) == ReplaySpan(OLDER.first, last)


def test_resume_does_not_end_on_a_day_that_is_over(demo: Path) -> None:
    measure(demo, date(2013, 5, 2))
    for last in (date(2013, 5, 1), date(2013, 4, 1), date(2014, 1, 1)):
        with pytest.raises(InvalidInput, match="it is on 2013-05-03 now") as caught:
            open_folder(DemoOptions(demo, last=last, resume=True))
        assert (caught.value.code, caught.value.where) == ("bad_span", "--to")
    assert open_folder(DemoOptions(demo, last=OLDER.last, resume=True)) == OLDER
    assert open_folder(DemoOptions(demo, last=date(2013, 5, 3), resume=True)).last == date(2013, 5, 3)


@pytest.mark.parametrize(
    ("options", "code", "where"),
    [({"first": FIRST}, "bad_span", "--from"), ({"fresh": True}, "bad_option", "--resume, --fresh")],
)
def test_options_that_resume_cannot_follow_are_refused(
    demo: Path, options: dict[str, Any], code: str, where: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        open_folder(DemoOptions(demo, resume=True, **options))
    assert (caught.value.code, caught.value.where) == (code, where)
    assert open_folder(DemoOptions(demo, resume=True)) == OLDER


def test_fresh_replaces_the_demo_and_leaves_other_files(demo: Path) -> None:
    (demo / "notes.txt").write_text("mine")
    assert open_folder(DemoOptions(demo, FIRST, LAST, fresh=True)) == ReplaySpan(FIRST, LAST)
    assert [path.name for path in demo.iterdir()] == ["notes.txt"]
    remove_demo(demo)
    assert [path.name for path in demo.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2013, 2, 14), LAST),
        (FIRST, date(2014, 1, 1)),
        (LAST, FIRST),
    ],
)
def test_a_span_outside_of_the_data_is_refused(tmp_path: Path, first: date, last: date) -> None:
    with pytest.raises(InvalidInput) as caught:
        open_folder(DemoOptions(tmp_path, first, last))
    assert caught.value.code == "bad_span"
    assert str(EARLIEST) in str(caught.value.hint)


def test_folders_that_do_not_fit_are_refused(tmp_path: Path, demo: Path) -> None:
    cases = {"demo_exists": DemoOptions(demo, FIRST, LAST)}
    other = demo / "other"
    other.mkdir()
    cases["no_demo"] = DemoOptions(other, FIRST, LAST, resume=True)
    for code, options in cases.items():
        with pytest.raises(InvalidInput) as caught:
            open_folder(options)
        assert (caught.value.code, caught.value.where) == (code, str(options.folder))
    (other / "thesis.txt").write_text("years of work")
    with pytest.raises(InvalidInput) as caught:
        open_folder(DemoOptions(other, FIRST, LAST, fresh=True))
    assert caught.value.code == "folder_taken"
    assert (other / "thesis.txt").read_text() == "years of work"
