"""What differs between two trainings, the causes first."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mlops_lab.lineage.reproduce.differences import describe_difference, find_differences
from mlops_lab.lineage.reproduce.record import KeptLineage, KeptSnapshot, VersionRecord
from mlops_lab.lineage.reproduce.task import TrainedAgain
from mlops_lab.training.environment import Environment, InstalledPackage


def packages(**versions: str) -> tuple[InstalledPackage, ...]:
    return tuple(InstalledPackage(name=name, version=text, files=f"{name} {text}") for name, text in versions.items())


ENVIRONMENT = Environment(
    python="3.11.7", implementation="CPython", system="Linux", machine="x86_64", libc="glibc 2.36", cpu="one", threads=2,
    variables={"OMP_NUM_THREADS": "1"}, mlops_lab="m" * 64, packages=packages(aiohttp="3.0", polars="2.0", scipy="1.16"),
)  # fmt: skip
LINEAGE = KeptLineage(
    snapshots=(KeptSnapshot("orders", 4, "a" * 64),), training_set="t" * 64, code="c" * 64, environment="e" * 64
)
AGAIN = TrainedAgain(
    package="packages/3", fingerprint="f" * 64, tables={"orders": "a" * 64}, training_set="t" * 64, code="c" * 64,
    environment=ENVIRONMENT, imported=("polars", "scipy"),
)  # fmt: skip
CHANGES: dict[str, dict[str, Any]] = {
    "data": {"tables": {"orders": "b" * 64}},
    "code": {"code": "d" * 64},
    "training set": {"training_set": "u" * 64},
}
OF_ENVIRONMENT: dict[str, dict[str, Any]] = {
    "mlops-lab (its own code)": {"mlops_lab": "n" * 64},
    "Python": {"python": "3.12.1"},
    "polars": {"packages": packages(aiohttp="3.0", polars="2.1", scipy="1.16")},
    "cpu": {"cpu": "another"},
    "threads": {"threads": 8},
    "OMP_NUM_THREADS": {"variables": {}},
}


def record(environment: Environment = ENVIRONMENT) -> VersionRecord:
    return VersionRecord(3, Path("package"), "f" * 64, LINEAGE, environment, {}, datetime(2024, 1, 1, tzinfo=UTC))


def test_the_same_has_no_differences() -> None:
    assert find_differences(record(), AGAIN) == []


@pytest.mark.parametrize("kind", CHANGES)
def test_each_part_is_found(kind: str) -> None:
    (found,) = find_differences(record(), replace(AGAIN, **CHANGES[kind]))
    assert found.kind == kind


@pytest.mark.parametrize("name", OF_ENVIRONMENT)
def test_each_part_of_the_environment_is_found(name: str) -> None:
    (found,) = find_differences(record(), replace(AGAIN, environment=replace(ENVIRONMENT, **OF_ENVIRONMENT[name])))
    assert found.name == name
    assert found.then != found.now


@given(parts=st.sets(st.sampled_from([*CHANGES])), environment=st.sets(st.sampled_from([*OF_ENVIRONMENT])))
def test_all_that_differs_is_listed_in_the_order_of_causes(parts: set[str], environment: set[str]) -> None:
    changed = {name: value for part in parts for name, value in CHANGES[part].items()}
    other = {name: value for part in environment for name, value in OF_ENVIRONMENT[part].items()}
    found = find_differences(record(), replace(AGAIN, **changed, environment=replace(ENVIRONMENT, **other)))
    order = ["data", "code", *OF_ENVIRONMENT, "training set"]
    names = [each.kind if each.kind in CHANGES else each.name for each in found]
    assert names == [name for name in order if name in parts | environment]


def test_packages_that_are_imported_come_first_and_other_files_of_a_version_count() -> None:
    now = [
        InstalledPackage(name="scipy", version="1.16", files="of another wheel"),
        *packages(polars="2.0", zstd="1.0"),
    ]
    found = find_differences(record(), replace(AGAIN, environment=replace(ENVIRONMENT, packages=tuple(now))))
    assert [describe_difference(each) for each in found] == [
        "package: scipy 1.16 with files scipy 1.16 → 1.16 with files of another w",
        "package: aiohttp 3.0 → none",
        "package: zstd none → 1.0",
    ]


def test_what_an_older_release_did_not_record_does_not_differ() -> None:
    older = Environment(packages=tuple(replace(package, files="") for package in ENVIRONMENT.packages))
    assert find_differences(record(older), AGAIN) == []
    assert find_differences(record(Environment()), AGAIN) == []
