"""The groups of a rollout: the mean gain of each, the one that loses most first."""

import math
from pathlib import Path

import pytest
from outcome_rows import write_outcomes
from waiting_rollout import DAY, MINUTE, write_waiting_rollout

from mlops_lab.loop.tick import Loop
from mlops_lab.project import Project, load_project
from mlops_lab.status.rollout_groups import list_groups

GAIN, LOSS = math.log(0.6 / 0.5), math.log(0.4 / 0.5)


@pytest.fixture
def project(tiny, tmp_path: Path) -> Project:
    """A rollout with 60 outcomes of shop a, where the challenger is better, and 40 of shop b, where it is worse; 5 of
    these are no express."""
    project = write_waiting_rollout(tiny, tmp_path / "project")
    worse = {"shop": "b", "shadow_output": 0.4}
    rows = [{**worse, "id": f"b{n}", "predicted_at": tiny.now - DAY + n * MINUTE, "express": n >= 5} for n in range(40)]
    write_outcomes(tiny, Loop(project).lake, *rows)
    return project


def groups(project: Project, *flags: str) -> list[tuple[str, int, float]]:
    loop = Loop(load_project(project.root, flags=["gates.slice_min_rows=40", *flags]))
    return [(each.group, each.rows, pytest.approx(each.gain)) for each in list_groups(loop)]


def test_each_group_has_the_mean_gain_of_its_rows(project: Project):
    assert groups(project, 'gates.slices=["shop", "express"]') == [
        ("shop=b", 40, LOSS),
        ("express=true", 95, (60 * GAIN + 35 * LOSS) / 95),
        ("shop=a", 60, GAIN),
    ]


def test_small_groups_are_left_out(project: Project):
    shops = 'gates.slices=["shop"]'
    assert [name for name, *_ in groups(project, shops, "gates.slice_min_rows=41")] == ["shop=a"]
    assert groups(project, shops, "gates.slice_min_rows=61") == []


def test_without_slices_or_a_rollout_there_are_none(tiny, project: Project):
    assert groups(project, "gates.slices=[]") == []
    assert groups(tiny.project, 'gates.slices=["shop"]') == []
