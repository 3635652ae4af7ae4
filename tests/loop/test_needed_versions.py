"""Who needs which table versions."""

from types import SimpleNamespace

import msgspec
import pytest

from mlops_lab.loop.needed_versions import TableVersion, trained_on


@pytest.fixture
def project(tmp_path, write_project):
    return write_project(tmp_path)


def write_package(project, folder: str, *snapshots: tuple[str, int]) -> None:
    package = project.root / folder
    package.mkdir(parents=True)
    lineage = {"snapshots": [{"table": table, "version": number} for table, number in snapshots], "rows": 3}
    (package / "lineage.json").write_bytes(msgspec.json.encode(lineage))


def test_versions_of_the_same_data_share_it(project):
    for number, folder in enumerate(("one", "two"), start=1):
        write_package(project, folder, ("stock", 3), ("orders", number))
    decisions = [
        SimpleNamespace(version=number, evidence={"package": folder})
        for number, folder in enumerate(("one", "two"), start=1)
    ]
    found = trained_on(project, [*decisions, SimpleNamespace(version=None, evidence={}), decisions[0]])
    assert found.needed == {
        TableVersion("stock", 3): ["version 1", "version 2"],
        TableVersion("orders", 1): ["version 1"],
        TableVersion("orders", 2): ["version 2"],
    }
    assert (found.of("orders"), found.of("nothing"), found.unknown) == ({1, 2}, set(), [])


def test_a_version_whose_registration_was_interrupted_counts(project):
    write_package(project, ".mlops/mlflow/artifacts/a/artifacts/model", ("stock", 3))
    assert trained_on(project, ()).needed == {TableVersion("stock", 3): ["a version without a decision"]}


def test_a_package_that_cannot_be_read_is_named(project):
    write_package(project, "damaged")
    (project.root / "damaged" / "lineage.json").write_text("{nonsense")
    decisions = [SimpleNamespace(version=1, evidence={"package": name}) for name in ("damaged", "gone")]
    assert trained_on(project, decisions).unknown == [project.root / "damaged", project.root / "gone"]
