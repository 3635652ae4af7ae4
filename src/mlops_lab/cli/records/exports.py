"""What `mlops export TOOL --json` prints: one record for each tool."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from mlops_lab.exporters.edge.agreement import EdgeAgreement


class FeastExport(Struct, frozen=True, kw_only=True):
    """`mlops export feast`: the folder, and the number of rows by view."""

    schema_version: int = 1
    folder: str
    rows: dict[str, int]


class EdgeExport(Struct, frozen=True, kw_only=True):
    """`mlops export edge`: the folder, the version, and how well its answers agree with the server's."""

    schema_version: int = 1
    folder: str
    version: int
    agreement: EdgeAgreement


class PrometheusExport(Struct, frozen=True, kw_only=True):
    """`mlops export prometheus`: the folder, the names of the alert rules, and the titles of the dashboard's charts."""

    schema_version: int = 1
    folder: str
    rules: list[str]
    charts: list[str]


class ExportTool(Struct, frozen=True, kw_only=True):
    """A tool that the project can be written for: what it gets, the patterns of its files, how that was tested
    (`tested`): which public command read it (`read_by`), what this said, and what is `unchecked`, with the reason."""

    name: str
    summary: str
    writes: list[str]
    tested: str
    read_by: str = ""
    said: str = ""
    unchecked: str = ""


class ExportList(Struct, frozen=True, kw_only=True):
    """`mlops export list`: every tool."""

    schema_version: int = 1
    tools: list[ExportTool]


class ExportCheck(Struct, frozen=True, kw_only=True):
    """`mlops export check`: each file with "new", "changed", "gone" or "same"."""

    schema_version: int = 1
    folder: str
    files: dict[str, str]


class KubernetesExport(Struct, frozen=True, kw_only=True):
    """`mlops export kubernetes`: the folder, the version whose traffic moves, the share of the traffic that it may
    answer by now, and the engines that there are manifests for."""

    schema_version: int = 1
    folder: str
    version: int
    share: float
    engines: list[str]


class DvcExport(Struct, frozen=True, kw_only=True):
    """`mlops export dvc`: the folder, and the names of the stages."""

    schema_version: int = 1
    folder: str
    stages: list[str]


class DagsterExport(Struct, frozen=True, kw_only=True):
    """`mlops export dagster`: the folder, and the names of the assets and of the asset checks."""

    schema_version: int = 1
    folder: str
    assets: list[str]
    checks: list[str]


class AirflowExport(Struct, frozen=True, kw_only=True):
    """`mlops export airflow`: the folder, and the names of the DAGs and of the assets."""

    schema_version: int = 1
    folder: str
    dags: list[str]
    assets: list[str]


class PrefectExport(Struct, frozen=True, kw_only=True):
    """`mlops export prefect`: the folder, and the names of the flows."""

    schema_version: int = 1
    folder: str
    flows: list[str]


class KubeflowExport(Struct, frozen=True, kw_only=True):
    """`mlops export kubeflow`: the folder, and the names of the pipelines."""

    schema_version: int = 1
    folder: str
    pipelines: list[str]


class MlflowExport(Struct, frozen=True, kw_only=True):
    """`mlops export mlflow`: the folder, the version, and the number of facts that are in it by table."""

    schema_version: int = 1
    folder: str
    version: int
    facts: dict[str, int]


class MlserverExport(Struct, frozen=True, kw_only=True):
    """`mlops export mlserver`: the folder, the version, the model's name in the server, and its facts by table."""

    schema_version: int = 1
    folder: str
    version: int
    model: str
    facts: dict[str, int]


class BentomlExport(Struct, frozen=True, kw_only=True):
    """`mlops export bentoml`: the folder, the version, the name of the Bento, and its facts by table."""

    schema_version: int = 1
    folder: str
    version: int
    bento: str
    facts: dict[str, int]


class SagemakerExport(Struct, frozen=True, kw_only=True):
    """`mlops export sagemaker`: the folder, the name of the endpoint, and by version the percentage of its requests."""

    schema_version: int = 1
    folder: str
    endpoint: str
    percents: dict[str, int]


class VertexExport(Struct, frozen=True, kw_only=True):
    """`mlops export vertex`: the folder, the name of the endpoint, and by version the percentage of its requests."""

    schema_version: int = 1
    folder: str
    endpoint: str
    percents: dict[str, int]


class AzuremlExport(Struct, frozen=True, kw_only=True):
    """`mlops export azureml`: the folder, the name of the endpoint, and by version the percentage of its requests."""

    schema_version: int = 1
    folder: str
    endpoint: str
    percents: dict[str, int]


class KserveExport(Struct, frozen=True, kw_only=True):
    """`mlops export kserve`: the folder, the version, the model's name in the server, and its facts by table."""

    schema_version: int = 1
    folder: str
    version: int
    model: str
    facts: dict[str, int]


class EvidentlyExport(Struct, frozen=True, kw_only=True):
    """`mlops export evidently`: the folder, the version, and the measured days whose requests are in it."""

    schema_version: int = 1
    folder: str
    version: int
    days: list[str]


class WhylogsExport(Struct, frozen=True, kw_only=True):
    """`mlops export whylogs`: the folder, the version, and the measured days whose requests are in it."""

    schema_version: int = 1
    folder: str
    version: int
    days: list[str]


class PhoenixExport(Struct, frozen=True, kw_only=True):
    """`mlops export phoenix`: the folder, and the number of predictions that are in it as spans."""

    schema_version: int = 1
    folder: str
    spans: int


class KedroExport(Struct, frozen=True, kw_only=True):
    """`mlops export kedro`: the folder, and the names of the pipelines."""

    schema_version: int = 1
    folder: str
    pipelines: list[str]


class MetaflowExport(Struct, frozen=True, kw_only=True):
    """`mlops export metaflow`: the folder, and the names of the flows."""

    schema_version: int = 1
    folder: str
    flows: list[str]


class PachydermExport(Struct, frozen=True, kw_only=True):
    """`mlops export pachyderm`: the folder, and the names of the pipelines."""

    schema_version: int = 1
    folder: str
    pipelines: list[str]


class LakefsExport(Struct, frozen=True, kw_only=True):
    """`mlops export lakefs`: the folder, the name of the repository, and the data files, by their paths in it."""

    schema_version: int = 1
    folder: str
    repository: str
    files: list[str]


class TectonExport(Struct, frozen=True, kw_only=True):
    """`mlops export tecton`: the folder, and the number of rows by view."""

    schema_version: int = 1
    folder: str
    rows: dict[str, int]


class RunsExport(Struct, frozen=True, kw_only=True):
    """`mlops export tensorboard`, `wandb`, `mlflow-runs`, `neptune`: the folder, the number of runs by kind
    ("training", "study", "trial"), and of points of curves."""

    schema_version: int = 1
    folder: str
    runs: dict[str, int]
    points: int


EXPORTS: dict[str, type[Struct]] = {
    "feast": FeastExport,
    "edge": EdgeExport,
    "prometheus": PrometheusExport,
    "kubernetes": KubernetesExport,
    "dvc": DvcExport,
    "dagster": DagsterExport,
    "airflow": AirflowExport,
    "prefect": PrefectExport,
    "kubeflow": KubeflowExport,
    "mlflow": MlflowExport,
    "mlserver": MlserverExport,
    "bentoml": BentomlExport,
    "sagemaker": SagemakerExport,
    "vertex": VertexExport,
    "azureml": AzuremlExport,
    "kserve": KserveExport,
    "evidently": EvidentlyExport,
    "whylogs": WhylogsExport,
    "phoenix": PhoenixExport,
    "kedro": KedroExport,
    "metaflow": MetaflowExport,
    "pachyderm": PachydermExport,
    "lakefs": LakefsExport,
    "tecton": TectonExport,
    "tensorboard": RunsExport,
    "wandb": RunsExport,
    "mlflow-runs": RunsExport,
    "neptune": RunsExport,
}
"""By tool. A tool that is not listed has a record without a published schema."""


def make_record(tool: str, *, folder: str, details: Mapping[str, Any]) -> Struct:
    """The record of an export, from the details of its report."""
    fields = {"folder": folder, **details}
    kind = EXPORTS.get(tool) or msgspec.defstruct("Export", ["schema_version", *fields])
    return msgspec.convert({"schema_version": 1, **fields}, kind)
