"""What a version trained again was made of, against what it was made of first: what differs, the causes first."""

from __future__ import annotations

from collections.abc import Iterator

from mlops_lab.lineage.records import MadeOtherwise
from mlops_lab.lineage.reproduce.environments import OWN_NAME
from mlops_lab.lineage.reproduce.record import VersionRecord
from mlops_lab.lineage.reproduce.task import TrainedAgain
from mlops_lab.training.environment import Environment, InstalledPackage

_MACHINE = ("system", "machine", "libc", "cpu", "threads")
_NONE = "none"


def find_differences(record: VersionRecord, trained: TrainedAgain) -> list[MadeOtherwise]:
    """All that differs, in the order in which it would be the cause: data, code, Python, packages (those that the
    training imports first), machine, threads; last the rows that were computed from all this."""
    then, now = record.environment, trained.environment
    found = [
        *_tables(record, trained),
        *_changed("code", "pipeline.py, mlops.toml", record.lineage.code, trained.code),
        *_changed("package", f"{OWN_NAME} (its own code)", then.mlops_lab, now.mlops_lab),
        *_changed("python", "Python", _python(then), _python(now)),
        *_packages(then, now, trained.imported),
        *(each for name in _MACHINE for each in _changed("machine", name, getattr(then, name), getattr(now, name))),
    ]
    if then.python:  # a release that recorded these, too
        for name in sorted(then.variables.keys() | now.variables.keys()):
            values = (variables.get(name, _NONE) for variables in (then.variables, now.variables))
            found += _changed("machine", name, *values)
    found += _changed("training set", "rows", record.lineage.training_set, trained.training_set)
    return found


def compare_environments(then: Environment, now: Environment) -> list[MadeOtherwise]:
    """What the fingerprints of two environments differ in: Python, the kind of machine, packages and their versions."""
    machine = (
        each
        for name in ("system", "machine")
        for each in _changed("machine", name, getattr(then, name), getattr(now, name))
    )
    return [*_changed("python", "Python", _python(then), _python(now)), *machine, *_packages(then, now, ())]


def describe_difference(difference: MadeOtherwise) -> str:
    """The difference on one line: `polars 2.0.0 → 2.1.0`."""
    return f"{difference.kind}: {difference.name} {_short(difference.then)} → {_short(difference.now)}"


def _changed(kind: str, name: str, then: object, now: object) -> Iterator[MadeOtherwise]:
    """The difference, where there is one; what was not recorded does not differ."""
    if then and then != now:
        yield MadeOtherwise(kind=kind, name=name, then=str(then), now=str(now))


def _tables(record: VersionRecord, trained: TrainedAgain) -> Iterator[MadeOtherwise]:
    for snapshot in record.lineage.snapshots:
        name = f"table {snapshot.table}@{snapshot.version}"
        yield from _changed("data", name, snapshot.fingerprint, trained.tables[snapshot.table])


def _python(environment: Environment) -> str:
    return f"{environment.implementation} {environment.python}" if environment.python else ""


def _packages(then: Environment, now: Environment, imported: tuple[str, ...]) -> list[MadeOtherwise]:
    before, after = _by_name(then), _by_name(now)
    found = []
    for name in before.keys() | after.keys():
        old, new = before.get(name), after.get(name)
        if name == OWN_NAME or not before:
            continue
        if old is None or new is None or old.version != new.version:
            versions = [package.version if package else _NONE for package in (old, new)]
            found.append(MadeOtherwise(kind="package", name=name, then=versions[0], now=versions[1]))
        elif old.files and new.files and old.files != new.files:
            texts = [f"{package.version} with files {package.files[:12]}" for package in (old, new)]
            found.append(MadeOtherwise(kind="package", name=name, then=texts[0], now=texts[1]))
    return sorted(found, key=lambda each: (each.name not in imported, each.name))


def _by_name(environment: Environment) -> dict[str, InstalledPackage]:
    return {package.name: package for package in reversed(environment.packages)}


def _short(text: str) -> str:
    """Hashes are shortened."""
    return text[:12] if len(text) == 64 else text
