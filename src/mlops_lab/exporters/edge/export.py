"""A version as a folder that predicts without this program: `mlops package` and `mlops export edge`."""

from __future__ import annotations

from pathlib import Path

import msgspec
import polars as pl

from mlops_lab.errors import InvalidInput
from mlops_lab.exporters.edge.agreement import EdgeAgreement, describe_agreement, prove_folder
from mlops_lab.exporters.edge.contents import FolderSource, write_folder
from mlops_lab.exporters.edge.graph import make_graph
from mlops_lab.exporters.exporter import ExportReport
from mlops_lab.exporters.folder import fill_new_folder
from mlops_lab.features.definition import Features
from mlops_lab.features.offline import FactIndex
from mlops_lab.features.view import columns_by_table
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.registry.engine_kinds import ENGINES
from mlops_lab.registry.engines.lightgbm_text import split_thresholds
from mlops_lab.registry.engines.open import open_engine
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.versions import find_champion, find_version, open_package_of
from mlops_lab.serving.answering.routing_table import LiveVersion
from mlops_lab.tables.facts import read_columns_of_facts, read_labelled
from mlops_lab.tables.fields import request_fields
from mlops_lab.tables.open_lake import open_lake
from mlops_lab.training.comparison import BATCH_ROWS


def export(project: Project, folder: Path) -> ExportReport:
    """Write the live version into an empty folder; see `export_edge`."""
    live = find_champion(read_decisions(open_lake(project)))
    agreement = _write_version(project, live, folder, command="export edge")
    details = {"version": live.version, "agreement": msgspec.to_builtins(agreement)}
    return ExportReport(details, (f"version {live.version} of the model", *describe_agreement(agreement)))


def export_edge(project: Project, version: int, folder: Path) -> EdgeAgreement:
    """Write the folder, which must be new or empty, and prove that it answers like the server.

    InvalidInput where the version is unknown, the folder is taken, or the model does not become a graph; Refused where
    the graph answers differently. Then nothing is written.
    """
    parent = folder.resolve().parent
    if not parent.is_dir():
        hint = "make it first, or check the path"
        raise InvalidInput("there is no such folder", code="no_folder", where=str(parent), hint=hint)
    with fill_new_folder(folder) as draft:
        live = find_version(read_decisions(open_lake(project)), version)
        return _write_version(project, live, draft, command=f"package {version} --edge")


def _write_version(project: Project, live: LiveVersion, folder: Path, *, command: str) -> EdgeAgreement:
    """Write all files of a version into an empty folder."""
    package = open_package_of(project, live)
    plan, engine = package.plan, open_engine(package)
    inputs = _sample_inputs(project, open_lake(project), Features.from_dict(plan.features))
    graph = make_graph(package, engine, inputs.head(10))
    label = project.settings.source.label
    source = FolderSource(project.name, label, live.version, live.fingerprint, f"mlops {command}")
    write_folder(folder, plan, graph, inputs.schema, source)
    is_trees = ENGINES[plan.engine].reads_lightgbm_text
    thresholds = split_thresholds(package.model.decode("utf-8")) if is_trees else {}
    agreement = prove_folder(folder, engine, plan, inputs, thresholds)
    (folder / "agreement.json").write_bytes(msgspec.json.format(msgspec.json.encode(agreement)))
    return agreement


def _sample_inputs(project: Project, lake: Lake, features: Features) -> pl.DataFrame:
    """The model's inputs for requests whose outcome is known, taken at equal steps from all of them."""
    ingest_journal(project, lake)
    lake = lake.pin()
    requests = read_labelled(project, lake).select(field.name for field in request_fields(project))
    requests = requests.gather_every(max(1, requests.height // BATCH_ROWS))
    fact_index = FactIndex(features.views, read_columns_of_facts(project, lake, columns_by_table(features.views)))
    return fact_index.inputs(features, requests, time=project.settings.source.time)[0]
