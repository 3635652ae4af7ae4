"""A package that one machine has is on the other one when it is to answer there, whole or not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from s3_server import open_stored

from mlops_lab.errors import EnvironmentFault
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.rollout.decisions import RolloutState
from mlops_lab.rollout.shared_packages import fetch_packages, named_versions, send_packages
from mlops_lab.serving.answering.routing_table import LiveVersion

FILES = {"MLmodel": b"flavors", "code/pipeline.py": b"def model(): ...", "model.onnx": b"\0" * 5000}


LIVE = LiveVersion(1, ".mlops/artifacts/model", "sha256:ab12")


@pytest.fixture
def one(tiny, tmp_path: Path) -> Project:
    project = replace(tiny.project, root=tmp_path / "one")
    for name, content in FILES.items():
        path = project.root / LIVE.package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return project


def files_of(project: Project) -> dict[str, bytes]:
    folder = project.root / LIVE.package
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_is_sent_and_fetched_as_it_is(stored_uri, one, tmp_path):
    other = replace(one, root=tmp_path / "other")
    fetch_packages(other, open_stored(stored_uri, tmp_path / "other"), [LIVE])
    assert files_of(other) == {}, "nobody has sent it"
    lake = open_stored(stored_uri, tmp_path / "one")
    for _ in range(2):
        send_packages(one, lake, [LIVE])
    fetch_packages(other, open_stored(stored_uri, tmp_path / "other"), [LIVE])
    assert files_of(other) == files_of(one) == FILES
    assert [path.name for path in (other.root / LIVE.package).parent.iterdir()] == ["model"]


def test_one_that_was_sent_in_part_is_not_fetched_and_is_sent_anew(stored_uri, s3, one, tmp_path):
    lake = open_stored(stored_uri, tmp_path / "one")
    lake.commits.mirror.store.write(f"_packages/{LIVE.package}/MLmodel", b"half")
    other = replace(one, root=tmp_path / "other")
    fetch_packages(other, open_stored(stored_uri, tmp_path / "other"), [LIVE])
    assert files_of(other) == {}
    s3.fail("503")
    with pytest.raises(EnvironmentFault):
        send_packages(one, lake, [LIVE])
    s3.fail("")
    send_packages(one, lake, [LIVE])
    fetch_packages(other, open_stored(stored_uri, tmp_path / "other"), [LIVE])
    assert files_of(other) == FILES


def test_one_of_which_a_file_is_gone_is_no_package(stored_uri, one, tmp_path):
    lake, other = open_stored(stored_uri, tmp_path / "one"), replace(one, root=tmp_path / "other")
    send_packages(one, lake, [LIVE])
    lake.commits.mirror.store.delete([f"_packages/{LIVE.package}/model.onnx"])
    with pytest.raises(EnvironmentFault, match=r"the file model\.onnx of a package is gone from the store"):
        fetch_packages(other, open_stored(stored_uri, tmp_path / "other"), [LIVE])
    assert not any(path.is_file() for path in (other.root / ".mlops").rglob("*"))


def test_a_lake_of_one_machine_sends_nothing(one, tmp_path):
    lake = Lake(tmp_path / "lake")
    send_packages(one, lake, [LIVE])
    fetch_packages(replace(one, root=tmp_path / "other"), lake, [LIVE])
    assert not (tmp_path / "other").exists()


def test_nothing_is_named_before_anything_is_live():
    assert named_versions([], RolloutState()) == []
