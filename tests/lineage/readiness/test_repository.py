"""What is found in a project's folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops_lab.ci.github import PATH
from mlops_lab.ci.gitlab import PATH as GITLAB
from mlops_lab.ci.plan import CIPlan
from mlops_lab.ci.write import Provider, write_ci_files
from mlops_lab.lineage.readiness.repository import Repository, read_repository


def write(root: Path, path: str, text: str | bytes) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(text.encode() if isinstance(text, str) else text)


def read(root: Path) -> Repository:
    found, problems = read_repository(root)
    assert problems == []
    return found


@pytest.mark.parametrize(("provider", "path"), [(Provider.GITHUB, PATH), (Provider.GITLAB, GITLAB)])
@pytest.mark.parametrize("has_data", [True, False])
def test_the_workflows_of_ci_init(tmp_path: Path, provider: Provider, path: str, has_data: bool) -> None:
    """Without the data, the steps that would read it never run, and do not count."""
    for name, text in write_ci_files(provider, CIPlan(has_data=has_data)).items():
        write(tmp_path, name, text)
    found = read(tmp_path)
    assert found.runs("pytest") == path
    assert found.runs("mlops run") == (path if has_data else None)
    assert found.runs("mlops validate") == (path if has_data else None)
    assert found.runs("mlops reproduce") is None


@pytest.mark.parametrize(
    ("line", "is_run"),
    [
        ("pytest", True),
        ("python -m pytest -q", True),
        ("cd a && pytest; ls", True),
        ("pip install pytest-x", False),
        ("# pytest", False),
        ("ls  # pytest", False),
        ("pytester", False),
    ],
)
def test_a_command_is_a_word_of_a_line_that_is_run(tmp_path: Path, line: str, is_run: bool) -> None:
    write(
        tmp_path, ".github/workflows/a.yaml", f"jobs:\n  run:\n    steps:\n    - run: |\n        {line}\n        ls\n"
    )
    assert (read(tmp_path).runs("pytest") is not None) == is_run


def test_tests_are_found_with_the_names_that_they_use(tmp_path: Path) -> None:
    write(tmp_path, "tests/deep/test_a.py", "from pipeline import model\n\ndef test_it():\n    assert model()\n")
    write(
        tmp_path, "test_b.py", "import json  # features\n\nclass T:\n    async def test_x(self): json.dumps('model')\n"
    )
    write(tmp_path, "tests/helpers.py", "from pipeline import features\n")
    found = read(tmp_path)
    assert [(file.path, file.tests) for file in found.tests] == [("test_b.py", 1), ("tests/deep/test_a.py", 1)]
    assert [file.path for file in found.tests_of("model")] == ["tests/deep/test_a.py"]
    assert found.tests_of("features") == []


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("tests/test_a.py", "def broken(:\n"),
        ("tests/test_a.py", b"\x00\xff"),
        (".github/workflows/a.yml", "a: [\n"),
        (".github/workflows/a.yml", b"\xff\xfe\x00"),
        ("tests/test_a.py", "#" * 1_000_001),
    ],
)
def test_what_cannot_be_read_is_told_and_counts_for_nothing(tmp_path: Path, path: str, content: str | bytes) -> None:
    write(tmp_path, path, content)
    found, problems = read_repository(tmp_path)
    assert (list(found.workflows), list(found.tests)) == ([], [])
    assert len(problems) == 1
    assert problems[0].startswith(path)
    assert "\n" not in problems[0]


@pytest.mark.parametrize(
    "content", ["", "just text", "- a\n- 1", "env: 3\njobs: {run: {steps: [{run: 5}, null]}}", "if: x"]
)
def test_yaml_that_is_no_workflow_runs_nothing(tmp_path: Path, content: str) -> None:
    write(tmp_path, ".gitlab-ci.yml", content)
    assert read(tmp_path).runs("pytest") is None
