"""Every drill: it says what it breaks and what is allowed, breaks a copy alone, and measures it. A new one needs no
test of its own."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from slow import mostly_slow

from mlops_lab.drills import faults
from mlops_lab.drills.catalog import DRILLS, find_drill
from mlops_lab.drills.drill import Drill
from mlops_lab.drills.ground import Ground, make_ground
from mlops_lab.drills.run import run_drills
from mlops_lab.errors import NotFound
from mlops_lab.project import Project

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="session")
def server_ground(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return make_ground(project, tmp_path_factory.mktemp("server"), needs_days=False, report=lambda _: None)


@pytest.fixture(scope="session")
def days_ground(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return make_ground(project, tmp_path_factory.mktemp("days"), needs_days=True, report=lambda _: None)


def content(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("drill", DRILLS, ids=lambda drill: drill.name)
def test_a_drill_says_what_it_breaks_and_what_is_allowed(drill: Drill) -> None:
    assert find_drill(drill.name) is drill
    assert drill.summary.endswith(".")
    assert (Path(faults.__file__).parent / f"{drill.name.replace('-', '_')}.py").is_file()
    assert timedelta(0) < drill.target.detect <= drill.target.recover
    assert 0 <= drill.target.harmed_share < 1


def test_the_names_are_unique_and_others_are_not_found() -> None:
    names = [drill.name for drill in DRILLS]
    assert len({*names}) == len(names)
    with pytest.raises(NotFound, match="no drill") as caught:
        find_drill("earthquake")
    assert "null-column" in (caught.value.hint or "")


@pytest.mark.parametrize("drill", mostly_slow(DRILLS, quick=[find_drill("dead-server")]), ids=lambda drill: drill.name)
def test_a_drill_breaks_a_copy_alone_and_measures_it(
    drill: Drill, project: Project, request: pytest.FixtureRequest
) -> None:
    before = content(project.root)
    ground: Ground = request.getfixturevalue("days_ground" if drill.needs_days else "server_ground")
    lived = content(ground.folder / "lived")
    observed = drill.run(ground)
    assert content(project.root).items() >= before.items()  # a backup first moves the journal into the tables
    assert content(ground.folder / "lived") == lived
    assert observed.fault
    assert 0 <= observed.harmed <= observed.requests
    assert observed.requests > 100
    assert (observed.detected is None) == (observed.detected_by == "")
    if observed.detected is not None:
        assert observed.detected >= timedelta(0)
        assert observed.recovered is None or observed.recovered >= timedelta(0)


@pytest.mark.slow
def test_drills_are_run_one_after_another_and_an_error_of_one_is_its_result(project: Project) -> None:
    drills = [find_drill("tampered-package"), find_drill("dead-server")]
    results = list(run_drills(project, drills, report=lambda _: None))
    assert [result.drill for result in results] == drills
    assert all(result.observed.detected is not None for result in results)
