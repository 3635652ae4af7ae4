"""What a process of a cluster does before and after the work; the work itself is tested with Ray in tests/tools."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from mlops_lab.errors import EnvironmentFault
from mlops_lab.training.environment import Environment, InstalledPackage
from mlops_lab.training.fit import fit, to_answers
from mlops_lab.training.pipeline import load_pipeline
from mlops_lab.training.ray_task import PipelineFiles, check_same, pack, unpack


def make_environment(*, python: str = "3.11.7", **versions: str) -> Environment:
    packages = tuple(InstalledPackage(name=name, version=version) for name, version in versions.items())
    return Environment(python=python, system="Linux", machine="x86_64", packages=packages)


def test_packages_that_only_one_side_has_do_not_matter() -> None:
    here = make_environment(numpy="2.4.0", pytest="9.0.0")
    check_same(here, make_environment(numpy="2.4.0", click="8.1.0"))


def test_the_code_of_this_package_travels_so_its_version_does_not_matter() -> None:
    own = InstalledPackage(name="mlops-lab", version="1.0")
    here = msgspec.structs.replace(make_environment(), packages=(own,))
    check_same(here, msgspec.structs.replace(here, packages=(msgspec.structs.replace(own, version="0.9"),)))


@pytest.mark.parametrize(
    ("there", "named"),
    [
        (make_environment(numpy="2.3.0"), "numpy 2.3.0 (here 2.4.0)"),
        (make_environment(python="3.11.2", numpy="2.4.0"), "Python 3.11.2 (here 3.11.7)"),
        (msgspec.structs.replace(make_environment(), machine="aarch64"), "the machine Linux aarch64"),
    ],
)
def test_other_versions_are_refused_and_named(there: Environment, named: str) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        check_same(make_environment(numpy="2.4.0"), there)
    assert named in caught.value.what
    assert caught.value.code == "ray_other_versions"
    assert "mlops env export" in str(caught.value.hint)


def test_the_files_of_a_project_make_the_same_model_in_another_folder(tiny) -> None:
    pipeline = load_pipeline(tiny.project)
    sent = pack(pipeline)
    assert isinstance(sent, PipelineFiles)
    with unpack(sent) as unpacked:
        assert unpacked.folder != pipeline.folder
        assert unpacked.fingerprint == pipeline.fingerprint
        there = to_answers(fit(unpacked, tiny.training), tiny.training.inputs)
        folder = unpacked.folder
    assert folder is not None
    assert not folder.exists()
    assert there.equals(to_answers(fit(pipeline, tiny.training), tiny.training.inputs))


def test_a_pipeline_of_a_notebook_travels_as_it_is(tiny) -> None:
    pipeline = replace(tiny.pipeline, folder=None)
    assert pack(pipeline) is pipeline
    with unpack(pipeline) as unpacked:
        assert unpacked is pipeline
