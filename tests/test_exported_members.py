"""What `import mlops_lab` offers, and what it costs: nothing."""

import subprocess
import sys

import pytest

import mlops_lab


def test_the_public_names_are_these() -> None:
    assert mlops_lab.__all__ == ["Project", "evaluate", "explain", "snapshot", "train"]
    for name in mlops_lab.__all__:
        assert getattr(mlops_lab, name).__module__.startswith("mlops_lab.notebook.")
        assert name in dir(mlops_lab)


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'deploy'"):
        mlops_lab.deploy  # noqa: B018


def test_the_import_brings_no_other_module() -> None:
    seen = "import sys; before = set(sys.modules); import mlops_lab; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True, timeout=60)
    assert set(done.stdout.split()) <= {"mlops_lab", "__future__"}
