"""What a project allows a runner to serve: its mlops.toml says it, and never a package."""

import pytest

from mlops_lab.registry.trust import Trust, trust_of, trust_of_project

PACKAGE = ("artifacts", "run", "artifacts", "model")


@pytest.fixture
def project(write_project, tmp_path):
    """A project with a section in its mlops.toml."""
    return lambda section: write_project(tmp_path, ("[backtest]", f"{section}\n\n[backtest]"))


def test_the_section_model_says_what_is_trusted(project):
    trusting = project('[model]\nrunner = true\ntrusted_types = ["numpy.dtype"]')
    assert trust_of_project(trusting) == Trust(True, ("numpy.dtype",))


def test_without_the_section_nothing_is_trusted(project):
    assert trust_of_project(project("")) == Trust() == Trust(runner=False, types=())


def test_a_package_is_trusted_by_the_project_that_it_lies_in(project):
    trusting = project('[model]\nrunner = true\ntrusted_types = ["numpy.dtype"]')
    package = trusting.mlflow_path.joinpath(*PACKAGE)
    assert trust_of(package) == Trust(True, ("numpy.dtype",))
    package.mkdir(parents=True)
    (package / "mlops.toml").write_text("[model]\nrunner = false\n")
    assert trust_of(package) == Trust(True, ("numpy.dtype",)), "a file in the package does not count"


def test_a_package_that_lies_in_no_project_is_not_trusted(project, tmp_path):
    project("[model]\nrunner = true")
    assert trust_of(tmp_path / "package") == Trust()
