"""The folder of a demo: which spans and folders are accepted, and what `--fresh` removes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec
import pytest

from mlops_lab.errors import InvalidInput
from mlops_lab.replay.demo import EARLIEST, LATEST, MARKER, DemoOptions, ReplaySpan, _open_folder, _remove_demo

FIRST, LAST = date(2013, 3, 1), date(2013, 3, 9)
OLDER = ReplaySpan(date(2013, 5, 1), date(2013, 5, 2))


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    """A folder in which a demo of another span has begun."""
    (tmp_path / MARKER).write_bytes(msgspec.json.encode(OLDER))
    (tmp_path / "data").mkdir()
    (tmp_path / "data/flights.parquet").write_bytes(b"rows")
    (tmp_path / "mlops.toml").write_text("[project]")
    return tmp_path


def test_a_new_folder_gets_the_span_of_the_options(tmp_path: Path) -> None:
    options = DemoOptions(tmp_path / "new", FIRST, LAST)
    assert _open_folder(options) == ReplaySpan(FIRST, LAST)
    assert _open_folder(DemoOptions(tmp_path, EARLIEST, LATEST)) == ReplaySpan(EARLIEST, LATEST)


def test_resume_takes_the_span_of_the_folder(demo: Path) -> None:
    assert _open_folder(DemoOptions(demo, FIRST, LAST, resume=True)) == OLDER


def test_fresh_replaces_the_demo_and_leaves_other_files(demo: Path) -> None:
    (demo / "notes.txt").write_text("mine")
    assert _open_folder(DemoOptions(demo, FIRST, LAST, fresh=True)) == ReplaySpan(FIRST, LAST)
    assert [path.name for path in demo.iterdir()] == ["notes.txt"]
    _remove_demo(demo)
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
        _open_folder(DemoOptions(tmp_path, first, last))
    assert caught.value.code == "bad_span"
    assert str(EARLIEST) in str(caught.value.hint)


def test_folders_that_do_not_fit_are_refused(tmp_path: Path, demo: Path) -> None:
    cases = {"demo_exists": DemoOptions(demo, FIRST, LAST)}
    other = demo / "other"
    other.mkdir()
    cases["no_demo"] = DemoOptions(other, FIRST, LAST, resume=True)
    for code, options in cases.items():
        with pytest.raises(InvalidInput) as caught:
            _open_folder(options)
        assert (caught.value.code, caught.value.where) == (code, str(options.folder))
    (other / "thesis.txt").write_text("years of work")
    with pytest.raises(InvalidInput) as caught:
        _open_folder(DemoOptions(other, FIRST, LAST, fresh=True))
    assert caught.value.code == "folder_taken"
    assert (other / "thesis.txt").read_text() == "years of work"
