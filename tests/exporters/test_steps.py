from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from mlops_lab.exporters.steps import cron_of, read_steps
from mlops_lab.project import Project

NAMES = ["check", "snapshot", "features", "train", "evaluate", "register", "gate", "roll_out", "score", "monitor"]


def test_the_steps_of_a_project(new_project: Project) -> None:
    found = read_steps(new_project)
    assert [step.name for step in found.steps] == NAMES
    assert [job.command[1] for job in found.jobs] == ["contract", "run", "score", "tick"]
    assert [step.name for job in found.jobs for step in job.steps] == NAMES
    assert found.steps[1].outputs == ("table:parcels", "table:traffic", "table:depots")
    assert (found.cron, found.timezone, found.variables) == ("*/1 * * * *", "Europe/Berlin", ())
    assert not new_project.home.exists(), "reading changes nothing"


def test_what_a_step_reads_is_made_before(new_project: Project) -> None:
    """A version is made by `register`: whoever reads it comes later."""
    made: set[str] = set()
    for step in read_steps(new_project).steps:
        within = {name for name in step.inputs if name in {"training_set", "run", "measures", "version"}}
        assert within <= made, step.name
        made |= set(step.outputs)


def test_addresses_are_named_and_not_shown(edit_config: Callable[[str, str], Project]) -> None:
    project = edit_config(
        'data = "data/traffic.csv"', 'data = "postgresql://lab:hunter2@127.0.0.1:1/lab"\nquery = "traffic"'
    )
    found = read_steps(project)
    assert found.variables == ("MLOPS_TABLES__TRAFFIC__DATA",)
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize(
    ("every", "cron"),
    [
        (timedelta(seconds=30), "*/1 * * * *"),
        (timedelta(minutes=5), "*/5 * * * *"),
        (timedelta(minutes=7), "*/10 * * * *"),
        (timedelta(minutes=45), "0 */1 * * *"),
        (timedelta(hours=5), "0 */6 * * *"),
        (timedelta(hours=13), "0 0 * * *"),
        (timedelta(days=3), "0 0 * * *"),
    ],
)
def test_the_nearest_schedule_of_cron(every: timedelta, cron: str) -> None:
    assert cron_of(every) == cron
