"""A project: a folder with `mlops.toml` (its settings) and `pipeline.py` (its model). This package reads the settings.

Settings come in layers, each of which overrides the one before: defaults, `mlops.toml`, the environment, `--set`.
"""

from mlops_lab.project.declaration import ASKED_AT, KNOWN_AT, RESERVED, ROW_ID, FieldSection, type_of
from mlops_lab.project.folder import LOCAL_LAKE, PIPELINE_NAME, Project, find_project, load_project
from mlops_lab.project.layers import CONFIG_NAME
from mlops_lab.project.sections import Settings

__all__ = [
    "ASKED_AT",
    "CONFIG_NAME",
    "KNOWN_AT",
    "LOCAL_LAKE",
    "PIPELINE_NAME",
    "RESERVED",
    "ROW_ID",
    "FieldSection",
    "Project",
    "Settings",
    "find_project",
    "load_project",
    "type_of",
]
