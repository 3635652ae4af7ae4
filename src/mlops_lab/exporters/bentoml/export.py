"""The live version as a BentoML service, from which `bentoml build` makes a Bento."""

from __future__ import annotations

from pathlib import Path

import yaml

from mlops_lab.exporters.commands import write_code
from mlops_lab.exporters.exporter import ExportReport
from mlops_lab.exporters.model_folder import write_model
from mlops_lab.exporters.names import make_name
from mlops_lab.exporters.readme import write_readme
from mlops_lab.project import Project

_MADE = "# Written by `mlops export bentoml`; run it again instead of changing this file.\n"


def export(project: Project, folder: Path) -> ExportReport:
    """Write the service, the options of its build, and the model into an empty folder; see `write_model`."""
    written, name = write_model(project, folder / "model"), make_name(project)
    write_code(folder, "service.py", tool="bentoml", NAME=name)
    build = {
        "service": "service:Model",
        "labels": {"project": project.name, "version": str(written.version)},
        "include": ["service.py", "model/**"],
        "python": {"requirements_txt": "model/requirements.txt", "lock_packages": False},
    }
    (folder / "bentofile.yaml").write_text(_MADE + yaml.safe_dump(build, sort_keys=False), encoding="utf-8")
    write_readme(folder, tool="bentoml", name=project.name, bento=name, version=written.version)
    lines = (written.line, "next: `bentoml build` in the folder")
    return ExportReport({"version": written.version, "bento": name, "facts": written.facts}, lines)
