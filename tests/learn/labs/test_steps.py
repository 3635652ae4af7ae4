"""What a learner does with a lab: checks wait for one another, hints come one by one, nothing is changed."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from mlops_lab.errors import InvalidInput, NotFound
from mlops_lab.learn.exercise import HINTS
from mlops_lab.learn.labs import steps
from mlops_lab.learn.labs.catalog import find_lab
from mlops_lab.learn.labs.state import LabState, read_state, write_state
from mlops_lab.learn.labs.steps import WAITS, check_lab, copy_folder, start_lab, take_hint

LAB = find_lab("planted-skew")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A lab of which everything but the state is gone."""
    write_state(tmp_path, LabState(lab=LAB.name, seed=1, started="2026-01-02T03:04:05+00:00"))
    return tmp_path


def test_each_check_says_something_and_later_ones_wait(folder: Path) -> None:
    outcomes = {outcome.check.name: outcome for outcome in check_lab(folder)}
    assert [*outcomes] == [check.name for check in LAB.text.checks]
    assert (outcomes["days"].key, outcomes["days"].seen) == (WAITS, "fields")
    assert outcomes["guarded"].key == "no-project"
    assert read_state(folder).passed == {}
    assert [path.name for path in folder.iterdir()] == ["mlops-lab.json"]


def test_one_check_runs_alone_without_those_it_waits_for(folder: Path) -> None:
    (outcome,) = check_lab(folder, only="days")
    assert outcome.key == "no-finding"
    with pytest.raises(NotFound, match="no check"):
        [*check_lab(folder, only="nothing")]


def test_a_project_that_cannot_be_opened_is_said_with_its_own_error(folder: Path) -> None:
    (folder / "shop").mkdir()
    (folder / "shop" / "mlops.toml").write_text("[project]\nnaem = 1\n")
    (outcome,) = check_lab(folder, only="guarded")
    assert "naem" in outcome.seen
    assert "did you mean" in outcome.expected


def test_hints_are_of_the_first_check_that_has_not_passed_and_the_last_one_stays(folder: Path) -> None:
    shown = [take_hint(folder) for _ in range(HINTS + 1)]
    assert [(check.name, number) for check, number in shown] == [("fields", n) for n in (1, 2, 3, 3)]
    state = read_state(folder)
    state.passed["fields"] = "2026-01-02T04:00:00+00:00"
    write_state(folder, state)
    assert take_hint(folder)[0].name == "days"
    check, number = take_hint(folder, "harm")
    assert (check.name, number) == ("harm", 1)
    assert "orders.csv" in check.hints[2], "the words of the shop"


def test_a_copy_has_no_sockets_and_is_not_too_large(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".venv").mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        monkeypatch.chdir(folder)
        listening.bind("server.sock")
        target = tmp_path_factory.mktemp("copy") / "lab"
        copy_folder(folder, target)
    assert [path.name for path in target.iterdir()] == ["mlops-lab.json"]
    monkeypatch.setattr(steps, "MAX_BYTES", 10)
    with pytest.raises(InvalidInput, match="more than"):
        copy_folder(folder, target.with_name("other"))


def test_a_lab_is_not_made_over_other_files(folder: Path) -> None:
    with pytest.raises(InvalidInput, match="not an empty folder"):
        start_lab(LAB, folder, seed=1)
    assert [path.name for path in folder.iterdir()] == ["mlops-lab.json"]
