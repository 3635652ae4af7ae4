"""The report about an A/B test: a verdict only where it is earned."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ab_rows import DAY, draw_test, write_answers

from mlops_lab.errors import Refused
from mlops_lab.lake import Lake
from mlops_lab.rollout.decisions import Decision, DecisionKind, fold
from mlops_lab.status.ab_report import ABReport, report_test

DAYS = 20


def report(tiny: Any, folder: Path, *, effect: float, lost: float = 0.0, share: float = 0.5) -> ABReport:
    lake = Lake(folder / "lake")
    write_answers(tiny, lake, *draw_test(tiny, days=DAYS, effect=effect, lost=lost))
    began = tiny.now - DAYS * DAY
    package = {"package": str(tiny.package), "fingerprint": tiny.fingerprint}
    decisions = [
        Decision(began - 40 * DAY, DecisionKind.BOOTSTRAP, 1, "first", "the first", "loop", package),
        Decision(began, DecisionKind.AB_START, 2, "asked", "is it worth it?", "Ada", {"arms": {"2": share}}),
    ]
    return report_test(
        SimpleNamespace(project=tiny.project, lake=lake, decisions=decisions, state=fold(decisions)),  # type: ignore[arg-type]
        tiny.now,
    )


def test_a_better_arm_is_called_better(tiny: Any, tmp_path: Path) -> None:
    told = report(tiny, tmp_path, effect=0.15)
    (arm,) = told.arms
    assert (arm.verdict, told.shares_are_wrong, told.by, told.reason) == ("better", False, "Ada", "is it worth it?")
    assert arm.mean is not None
    assert told.control.mean is not None
    assert arm.lower is not None
    assert arm.upper is not None
    assert 0 < arm.lower < arm.mean - told.control.mean < arm.upper
    assert arm.e_value is not None
    assert arm.e_value > 20
    assert arm.says is not None
    assert arm.says.startswith("version 2 is better than version 1: its gain lies between +")
    assert told.history_explains > 0.2, "some customers are hard to predict, before the test too"
    assert len(arm.days) >= DAYS - 1
    assert (arm.days[-1].mean, arm.days[-1].lower) == (arm.gain, arm.lower)
    assert arm.requests > 1_000
    assert arm.unknown == pytest.approx(1 - arm.outcomes / arm.requests)


def test_a_worse_arm_is_called_worse_and_equal_ones_nothing(tiny: Any, tmp_path: Path) -> None:
    assert report(tiny, tmp_path / "worse", effect=-0.15).arms[0].verdict == "worse"
    equal = report(tiny, tmp_path / "equal", effect=0.0).arms[0]
    assert equal.verdict == "undecided"
    assert equal.says is not None
    assert equal.says.startswith("nothing is proved about version 2 yet")


@pytest.mark.parametrize("how", [{"lost": 0.6}, {"share": 0.2}])
def test_wrong_shares_block_the_verdict(tiny: Any, tmp_path: Path, how: dict[str, float]) -> None:
    told = report(tiny, tmp_path, effect=0.15, **how)
    assert told.shares_are_wrong
    assert told.shares_e_value > 100
    assert told.arms[0].verdict == "blocked"
    assert told.arms[0].says is not None
    assert "shares" in told.arms[0].says


def test_without_a_test_there_is_no_report(tiny: Any, tmp_path: Path) -> None:
    loop: Any = SimpleNamespace(project=tiny.project, lake=Lake(tmp_path), decisions=[], state=fold([]))
    with pytest.raises(Refused) as caught:
        report_test(loop, tiny.now)
    assert caught.value.code == "no_ab_test"
