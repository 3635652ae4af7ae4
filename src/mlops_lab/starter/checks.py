"""The checks in the test of a project that `mlops init` made. Users' projects import them: their names must stay."""

from __future__ import annotations

from pathlib import Path

from mlops_lab.clock import now
from mlops_lab.intake.sources import load_sources
from mlops_lab.lake import Lake
from mlops_lab.project import load_project
from mlops_lab.training.pipeline import load_pipeline


def find_pipeline_problems(folder: Path) -> list[str]:
    """What is wrong between `pipeline.py` and the fields in `mlops.toml`, a sentence each; empty where all is right."""
    project = load_project(folder)
    features = load_pipeline(project).features
    source = project.settings.source
    known = {*source.request, source.time, *(name for view in features.views for name in view.values)}
    missing = [name for name in features.inputs if name not in known and name not in features.derived]
    problems = [f'the input "{name}" is no field of a request, no value of a view, and not derived' for name in missing]
    unknown = sorted(set(features.roots) - known)
    problems += [
        f'derived features use "{name}", which is no field of a request and no value of a view' for name in unknown
    ]
    if source.label in features.inputs:
        problems.append(f'the label "{source.label}" is an input')
    return problems


def count_valid_rows(folder: Path, *, lake_folder: Path) -> int:
    """The number of rows of the project's data that keep the contract, loaded into another lake than the project's own.

    InvalidInput where more rows break it than `max_quarantined_share` allows.
    """
    project, lake = load_project(folder), Lake(lake_folder)
    load_sources(project, lake, now=now(), received_at=now())
    return lake.read(project.settings.source.table).height
