"""The README's Python, run in a project's folder as it stands."""

import re
from pathlib import Path

import pytest

from mlops_lab.project import Project

README = (Path(__file__).parents[2] / "README.md").read_text()
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_tables_can_be_read_as_the_readme_says(snippet: str, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    table = re.findall(r"lake/(\w+)", snippet)[0]
    monkeypatch.chdir(project.root)
    exec(snippet.replace(f"lake/{table}", "lake/decisions").replace("role", "what"))
