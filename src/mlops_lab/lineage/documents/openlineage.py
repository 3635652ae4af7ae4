"""The training of a version as events of OpenLineage: its START and its COMPLETE, one a line."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from mlops_lab.lineage.documents.table_facts import ColumnFacts, TableFacts
from mlops_lab.lineage.documents.version_facts import VersionFacts

FILE = "openlineage.ndjson"
_SPEC = "https://openlineage.io/spec"
_FACETS = {
    "version": "1-0-1/DatasetVersionDatasetFacet",
    "schema": "1-2-0/SchemaDatasetFacet",
    "dataQualityMetrics": "1-0-3/DataQualityMetricsInputDatasetFacet",
    "inputStatistics": "1-0-0/InputStatisticsInputDatasetFacet",
    "outputStatistics": "1-0-2/OutputStatisticsOutputDatasetFacet",
    "jobType": "2-0-4/JobTypeJobFacet",
    "nominalTime": "1-0-1/NominalTimeRunFacet",
    "processing_engine": "1-1-1/ProcessingEngineRunFacet",
    "tags": "1-0-0/TagsRunFacet",
}
"""By the key of a facet, the version and the name of its schema."""


def make(facts: VersionFacts) -> dict[str, bytes]:
    """The events, in order."""
    lines = [json.dumps(event, ensure_ascii=False, allow_nan=False) for event in make_events(facts)]
    return {FILE: ("\n".join(lines) + "\n").encode()}


def make_events(facts: VersionFacts) -> list[dict[str, Any]]:
    """The START and the COMPLETE of the training run. Both have the moment as of which the version was trained."""
    output = _output(facts)
    return [_event(facts, "START", outputs=[]), _event(facts, "COMPLETE", outputs=[output])]


def _producer() -> str:
    return f"pkg:pypi/mlops-lab@{version('mlops-lab')}"


def _event(facts: VersionFacts, kind: str, *, outputs: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "eventTime": facts.trained_at.isoformat(),
        "eventType": kind,
        "producer": _producer(),
        "schemaURL": f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": str(_run_id(facts)), "facets": _run_facets(facts)},
        "job": {
            "namespace": _namespace(facts),
            "name": "train",
            "facets": _facet("jobType", processingType="BATCH", integration="MLOPS_LAB", jobType="TRAINING"),
        },
        "inputs": [_input(facts, table) for table in facts.tables],
        "outputs": outputs,
    }


def _run_id(facts: VersionFacts) -> UUID:
    """The id of MLflow's run, which is a UUID; a stable one where the registry had none."""
    run_id = facts.origin.run_id
    return UUID(run_id) if len(run_id) == 32 else uuid5(NAMESPACE_URL, f"{facts.title} {facts.origin.fingerprint}")


def _namespace(facts: VersionFacts) -> str:
    return f"mlops-lab://{facts.project}"


def _run_facets(facts: VersionFacts) -> dict[str, Any]:
    origin = facts.origin
    tags = {
        "version": origin.number,
        "training_set": origin.training_set,
        "training_rows": origin.rows,
        "trained_on_rows_before": origin.cutoff,
        "window": origin.window,
        "commit": origin.commit,
        "code": origin.code,
        "environment": origin.environment,
    }
    return {
        **_facet("nominalTime", nominalStartTime=facts.trained_at.isoformat()),
        **_facet("processing_engine", name="mlops-lab", version=version("mlops-lab")),
        **_facet(
            "tags",
            tags=[{"key": key, "value": str(value), "source": "MLOPS_LAB"} for key, value in tags.items()],
        ),
    }


def _input(facts: VersionFacts, table: TableFacts) -> dict[str, Any]:
    rows, size, files = table.snapshot.rows, table.size_bytes, len(table.files)
    columns = {column.name: _column_metrics(column, rows) for column in table.columns}
    fields = [{"name": column.name, "type": str(column.dtype)} for column in table.columns]
    return {
        "namespace": _namespace(facts),
        "name": table.name,
        "facets": {
            **_facet("version", datasetVersion=str(table.snapshot.version)),
            **_facet("schema", fields=fields),
        },
        "inputFacets": {
            **_facet("dataQualityMetrics", rowCount=rows, bytes=size, fileCount=files, columnMetrics=columns),
            **_facet("inputStatistics", rowCount=rows, size=size, fileCount=files),
        },
    }


def _column_metrics(column: ColumnFacts, rows: int) -> dict[str, Any]:
    metrics: dict[str, Any] = {
        "nullCount": column.nulls,
        "distinctCount": column.distinct,
        "count": rows - column.nulls,
    }
    return metrics | (dict(zip(("min", "max"), column.bounds, strict=True)) if column.bounds else {})


def _output(facts: VersionFacts) -> dict[str, Any]:
    size = sum(len(content) for content in facts.files.values())
    outputs = facts.plan.classes or [facts.label]
    return {
        "namespace": _namespace(facts),
        "name": "model",
        "facets": {
            **_facet("version", datasetVersion=str(facts.origin.number)),
            **_facet("schema", fields=[{"name": name, "type": "double"} for name in outputs]),
        },
        "outputFacets": _facet("outputStatistics", size=size, fileCount=len(facts.files)),
    }


def _facet(key: str, **content: Any) -> dict[str, Any]:
    """A facet under its key, with the two fields that every facet has."""
    number, _, name = _FACETS[key].partition("/")
    schema = f"{_SPEC}/facets/{number}/{name}.json#/$defs/{name}"
    return {key: {"_producer": _producer(), "_schemaURL": schema, **content}}
