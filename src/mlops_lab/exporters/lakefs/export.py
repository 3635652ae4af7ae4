"""For lakeFS: the project's data at its S3 gateway, and a pre-merge hook that checks a branch against the contract."""

from __future__ import annotations

from pathlib import Path

import yaml

from mlops_lab.exporters.commands import find_data_files, write_code
from mlops_lab.exporters.exporter import ExportReport
from mlops_lab.exporters.names import make_name
from mlops_lab.exporters.readme import write_readme
from mlops_lab.project import Project

_MADE = "# Written by `mlops export lakefs`: write it again with that command instead of changing it.\n"
ACTION = "_lakefs_actions/mlops-contract.yaml"


def export(project: Project, folder: Path) -> ExportReport:
    """Write action, hook and settings into an empty folder."""
    name, data = make_name(project), find_paths(project)
    (folder / ACTION).parent.mkdir()
    (folder / ACTION).write_text(_MADE + yaml.safe_dump(describe_action(name), sort_keys=False), encoding="utf-8")
    write_code(folder, "hook.py", tool="lakefs", REPOSITORY=name, PATHS=data)
    (folder / "lakefs.env").write_text(_MADE + write_settings(name, data), encoding="utf-8")
    uploads = [f"    lakectl fs upload lakefs://{name}/new-rows/{path} -s {path}" for path in data.values()]
    write_readme(
        folder,
        tool="lakefs",
        name=project.name,
        repository=name,
        uploads="\n".join(uploads) or "    (no table has its data in a file of the project)",
        action=ACTION,
    )
    lines = (f"1 action: {ACTION}, for {len(data)} data files", "next: `python hook.py`; see README.md first")
    return ExportReport({"repository": name, "files": list(data.values())}, lines)


def find_paths(project: Project) -> dict[str, str]:
    """By the variable that names a table's data: its file in the project, which has the same path in lakeFS."""
    settings = project.settings
    named = {"MLOPS_SOURCE__DATA": settings.source.data}
    named |= {f"MLOPS_TABLES__{name.upper()}__DATA": table.data for name, table in settings.tables.items()}
    files = {path for path in find_data_files(project) if (project.root / path).is_file()}
    return {variable: Path(path).as_posix() for variable, path in named.items() if path in files}


def describe_action(name: str) -> dict[str, object]:
    """The action: before a merge into main, lakeFS asks the hook, and merges nothing that it refuses."""
    hook = {
        "id": "contract",
        "type": "webhook",
        "description": "mlops contract check of the branch that is merged",
        "properties": {
            "url": "http://YOUR-HOOK-HOST:8400/",
            "timeout": "10m",
            "headers": {"Authorization": "Bearer {{ ENV.LAKEFSACTION_MLOPS_TOKEN }}"},
        },
    }
    return {"name": f"contract of {name}", "on": {"pre-merge": {"branches": ["main"]}}, "hooks": [hook]}


def write_settings(name: str, data: dict[str, str]) -> str:
    """The variables with which the project reads its data from the branch main."""
    lines = ["AWS_ENDPOINT_URL=https://YOUR-LAKEFS-HOST"]
    return "\n".join([*lines, *(f"{variable}=s3://{name}/main/{path}" for variable, path in data.items())]) + "\n"
