"""An outcome that does not say when it was known was known when it came: on the machine's clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from mlops_lab import clock
from mlops_lab.errors import InvalidInput
from mlops_lab.intake.deliver import deliver_outcomes
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.lake import Lake
from mlops_lab.project import Project, load_project
from mlops_lab.serving.answering.routing_table import read_routing_table
from mlops_lab.serving.answering.service import Service
from mlops_lab.tables.verdict import Verdict

REQUEST = {"depot": "b", "customer": "k1", "items": 3, "distance": 12.25}


@pytest.fixture
def on_the_wall(project: Project) -> Project:
    """The project, moved from its data's clock to the machine's."""
    path = project.root / "mlops.toml"
    path.write_text(path.read_text().replace('clock = "data"', 'clock = "wall"'))
    return load_project(project.root)


@contextmanager
def service_of(project: Project) -> Iterator[Service]:
    service = Service(project, read_routing_table(project.deployment_path))
    try:
        yield service
    finally:
        service.close()


def ask(service: Service, *names: str, **request: object) -> None:
    asked = {"asked_at": clock.now(), **REQUEST, **request}
    rows = [{"id": name, **asked} for name in names]
    service.predict([msgspec.convert(row, service.schemas.request) for row in rows])


def tell(service: Service, *outcomes: dict[str, object]) -> dict[str, int]:
    told = service.accept_outcomes([msgspec.convert(row, service.schemas.outcome) for row in outcomes])
    return {verdict: count for verdict, count in told["counts"].items() if count}


def test_what_is_left_out_is_the_moment_of_arrival(on_the_wall: Project) -> None:
    with service_of(on_the_wall) as service:
        ask(service, "one", "two")
        before = clock.now()
        assert tell(service, {"id": "one", "late": True}, {"id": "one", "late": True}) == {
            "accepted": 1,
            "duplicate": 1,
        }
        after = clock.now()
        assert tell(service, {"id": "one", "late": True, "known_at": None}) == {"duplicate": 1}
        assert tell(service, {"id": "one", "late": False}) == {"conflict": 1}
        assert tell(service, {"id": "one", "late": True, "known_at": after}) == {"conflict": 1}
        assert tell(service, {"id": "nobody", "late": True}) == {"unknown": 1}
    with service_of(on_the_wall) as service:  # what it was is remembered
        assert tell(service, {"id": "one", "late": True}) == {"duplicate": 1}
    lake = Lake(on_the_wall.lake_path)
    ingest_journal(on_the_wall, lake)
    rows = {(row["id"], row["verdict"]): row for row in lake.read("outcomes").to_dicts()}
    assert before <= rows["one", Verdict.ACCEPTED]["known_at"] <= after
    assert rows["nobody", Verdict.UNKNOWN]["known_at"] >= after


def test_a_client_whose_clock_goes_before_ours_is_not_told_that_it_is_too_early(on_the_wall: Project) -> None:
    """Its request counts as of now, and so does its outcome."""
    before = clock.now()
    with service_of(on_the_wall) as service:
        ask(service, "one", asked_at=before + timedelta(hours=3))
        assert tell(service, {"id": "one", "late": True}) == {"accepted": 1}
    lake = Lake(on_the_wall.lake_path)
    ingest_journal(on_the_wall, lake)
    assert before <= lake.read("outcomes")["known_at"].item() <= clock.now()


def test_a_file_needs_no_more_than_ids_and_labels(on_the_wall: Project, tmp_path: Path) -> None:
    with service_of(on_the_wall) as service:
        ask(service, "1", "2")
    file = tmp_path / "labels.csv"
    file.write_text("id,late\n1,true\n2,false\n3,true\n")
    assert deliver_outcomes(on_the_wall, file)["counts"] | {"unknown": 0} == dict.fromkeys(Verdict, 0) | {"accepted": 2}
    again = deliver_outcomes(on_the_wall, file)
    assert (again["counts"]["duplicate"], again["counts"]["unknown"]) == (2, 1)
    assert [problem["where"] for problem in again["problems"]] == ["$.outcomes[2]"]


def test_on_the_clock_of_the_data_it_must_be_said(tmp_path: Path, template: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("id,late,delay\n1,true,\n")
    with pytest.raises(InvalidInput) as caught:
        deliver_outcomes(load_project(template), file)
    assert (caught.value.code, caught.value.what) == ("missing_column", 'column "known_at" is missing')
