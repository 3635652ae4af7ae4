"""The views of the project as Tecton's feature views, over the same changes that Feast gets."""

from __future__ import annotations

import json
from pathlib import Path

from mlops_lab.exporters.commands import write_code
from mlops_lab.exporters.exporter import ExportReport
from mlops_lab.exporters.feast import list_changes, load_features_and_facts, name_type, write_changes
from mlops_lab.exporters.names import make_identifier
from mlops_lab.exporters.readme import write_readme
from mlops_lab.project import Project
from mlops_lab.tables.fields import request_fields


def export(project: Project, folder: Path) -> ExportReport:
    """Write definitions and changes into an empty folder; the report has the number of rows of each view."""
    features, facts = load_features_and_facts(project)
    rows = write_changes(features.views, facts, folder / "data")
    kinds = {field.name: name_type(field.dtype) for field in request_fields(project)}
    views = {}
    for view in features.views:
        types = list_changes(view, facts[view.table].head(0)).schema
        values = {value: name_type(types[value]) for value in view.values}
        views[view.name] = {"name": make_identifier(view.name), "keys": list(view.keys), "values": values}
    keys = {key: kinds[key] for view in features.views for key in view.keys}
    text = json.dumps({"keys": keys, "views": views}, indent=2, ensure_ascii=False)
    (folder / "features.json").write_text(text + "\n", encoding="utf-8")
    write_code(folder, "definitions.py", tool="tecton")
    write_readme(folder, tool="tecton", name=project.name)
    lines = [f"{view}: {count:,} rows" for view, count in rows.items()]
    return ExportReport({"rows": rows}, (*lines, "next: `import definitions` in the folder; see README.md first"))
