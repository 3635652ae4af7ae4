"""The file that keeps how far a learner is with a lab."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlops_lab.errors import InvalidInput, NotFound
from mlops_lab.learn.labs.state import STATE_FILE, LabState, changed_state, find_lab_folder, read_state, write_state

STATE = LabState(lab="planted-skew", seed=7, started="2026-01-02T03:04:05+00:00")


def test_it_is_read_as_it_was_written_and_found_from_inside(tmp_path: Path) -> None:
    write_state(tmp_path, STATE)
    with changed_state(tmp_path) as state:
        state.hints["days"] = 2
    assert read_state(tmp_path).hints == {"days": 2}
    (tmp_path / "shop").mkdir()
    assert find_lab_folder(tmp_path / "shop") == tmp_path


def test_the_first_format_is_read(tmp_path: Path) -> None:
    """As the first release wrote it, whose labs are all about the shop: this text must stay readable."""
    text = '{"format": 1, "lab": "planted-skew", "seed": 7, "started": "2026-01-02T03:04:05+00:00", "passed": {}}'
    (tmp_path / STATE_FILE).write_text(text)
    old = read_state(tmp_path)
    assert (old.data, old.max_loss) == ("shop", 0.42)
    old.max_loss = None
    assert old == STATE
    text = '{"format": 1, "lab": "nightly-retrain", "seed": 7, "started": "", "passed": {"grams": "x"}, "hints": {"cut": 1}}'
    (tmp_path / STATE_FILE).write_text(text)
    assert (read_state(tmp_path).passed, read_state(tmp_path).hints) == ({"unit": "x"}, {"cut": 1})


def test_what_a_lab_is_about_is_kept(tmp_path: Path) -> None:
    write_state(tmp_path, LabState(lab="on-call", seed=7, started="", data="table", max_loss=0.3))
    assert (read_state(tmp_path).data, read_state(tmp_path).max_loss) == ("table", 0.3)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("{", "bad_lab"),
        ("[]", "bad_lab"),
        ('{"format": 1}', "bad_lab"),
        (json.dumps({"format": 3, "lab": "planted-skew"}), "newer_format"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_error(content: str, code: str, tmp_path: Path) -> None:
    (tmp_path / STATE_FILE).write_text(content)
    with pytest.raises(InvalidInput) as caught:
        read_state(tmp_path)
    assert caught.value.code == code


def test_where_there_is_no_lab_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no lab"):
        find_lab_folder(tmp_path)
