"""The packages of live versions, for machines that share a lake: sent to its store, and fetched where they are missing.

What is fetched is checked as any package is: by its fingerprint and its signature, each time it is opened.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from mlops_lab.errors import EnvironmentFault
from mlops_lab.files import disk_fault
from mlops_lab.ids import new_id
from mlops_lab.lake import Lake
from mlops_lab.lake.commits import StoredCommits
from mlops_lab.lake.copy_notes import note_sent_package, read_sent_packages
from mlops_lab.lake.object_store import ObjectStore, each
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import Decision, RolloutState
from mlops_lab.rollout.versions import find_version
from mlops_lab.serving.answering.routing_table import LiveVersion

_FILES = "files.json"
"""The names of the files of a package: written last, so a package that has it is there as a whole."""


def named_versions(decisions: Sequence[Decision], state: RolloutState) -> list[LiveVersion]:
    """All versions that a routing table may name, whether their packages can be read or not."""
    numbers = [state.champion, state.challenger, *(arm for arm, _ in state.arms), *state.previous[-1:]]
    return [find_version(decisions, number) for number in dict.fromkeys(numbers) if number is not None]


def fetch_packages(project: Project, lake: Lake, live: Sequence[LiveVersion]) -> None:
    """Fetch the packages of these versions that this machine does not have, where others share the lake. From a
    tracking server they come when they are opened (`rollout.versions`)."""
    if not isinstance(lake.commits, StoredCommits) or project.settings.tracking.uri:
        return
    for version in live:
        folder = project.root / version.package
        if not folder.exists():
            try:
                _fetch(lake.commits.mirror.store, _place(version), folder)
            except OSError as error:
                raise disk_fault(error, folder) from error


def send_packages(project: Project, lake: Lake, live: Sequence[LiveVersion]) -> None:
    """Send the packages of these versions that the store does not have, where others share the lake, and no tracking
    server has them."""
    if not isinstance(lake.commits, StoredCommits) or project.settings.tracking.uri:
        return
    mirror = lake.commits.mirror
    sent = read_sent_packages(mirror.lake, mirror.store.uri)
    for version in live:
        folder = project.root / version.package
        if version.package not in sent and folder.exists():
            _send(mirror.store, _place(version), folder)
            note_sent_package(mirror.lake, mirror.store.uri, version.package)


def _place(version: LiveVersion) -> str:
    """Named by its folder: two versions with the same fingerprint may have been trained on other rows."""
    return f"_packages/{version.package}"


def _send(store: ObjectStore, place: str, folder: Path) -> None:
    if store.read(f"{place}/{_FILES}") is not None:
        return
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    each(lambda name: store.write(f"{place}/{name}", (folder / name).read_bytes()), names)
    store.write(f"{place}/{_FILES}", msgspec.json.encode(names))


def _fetch(store: ObjectStore, place: str, folder: Path) -> None:
    """Fetch a package; nothing where the store does not have it either: whoever opens it says so."""
    listed = store.read(f"{place}/{_FILES}")
    if listed is None:
        return
    fresh = folder.with_name(f".{folder.name}.{new_id()[:8]}.new")

    def fetch(name: str) -> None:
        if (content := store.read(f"{place}/{name}")) is None:
            raise EnvironmentFault(
                f"the file {name} of a package is gone from the store",
                code="package_missing",
                where=f"{store.uri}/{place}",
                hint=f"delete {_FILES} there: a machine that has the package sends it again",
            )
        path = fresh / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.data)

    try:
        each(fetch, msgspec.json.decode(listed.data, type=list[str]))
        fresh.rename(folder)
    except OSError as error:
        if not folder.exists():  # else another process was faster
            raise disk_fault(error, folder) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
