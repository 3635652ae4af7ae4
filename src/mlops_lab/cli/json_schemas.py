"""The JSON schema of what each command prints with `--json`.

`python -m mlops_lab.cli.json_schemas docs/json` writes one file for each command. Run it after a change of a record.
To release new fields, so that a test keeps them from then on:
`python -m mlops_lab.cli.json_schemas docs/json tests/cli/released_fields.json`.
"""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from mlops_lab.ci.validation import Validation
from mlops_lab.cli.records.ab import ABDecisionRecord
from mlops_lab.cli.records.alerts import AlertDetails, AlertsRecord, ChannelTests, ClosedAlert, SilenceRecord
from mlops_lab.cli.records.backtest import BacktestRecord
from mlops_lab.cli.records.backups import BackupRecord
from mlops_lab.cli.records.ci import CIRecord
from mlops_lab.cli.records.decisions import (
    ApprovalRecord,
    HistoryRecord,
    MadeDecision,
    RejectRecord,
    RollbackRecord,
    RolloutRecord,
    SplitRecord,
    SteeredRecord,
    TickRecord,
)
from mlops_lab.cli.records.docs import DocsRecord
from mlops_lab.cli.records.drills import DrillRunRecord, DrillsRecord
from mlops_lab.cli.records.environments import EnvironmentComparison, EnvironmentExport, ImageRecord
from mlops_lab.cli.records.erasures import ErasureList, ForgetRecord
from mlops_lab.cli.records.errors import ErrorRecord
from mlops_lab.cli.records.exports import (
    AirflowExport,
    AzuremlExport,
    BentomlExport,
    DagsterExport,
    DvcExport,
    EdgeExport,
    EvidentlyExport,
    ExportCheck,
    ExportList,
    FeastExport,
    KedroExport,
    KserveExport,
    KubeflowExport,
    KubernetesExport,
    LakefsExport,
    MetaflowExport,
    MlflowExport,
    MlserverExport,
    PachydermExport,
    PhoenixExport,
    PrefectExport,
    PrometheusExport,
    RunsExport,
    SagemakerExport,
    TectonExport,
    VertexExport,
    WhylogsExport,
)
from mlops_lab.cli.records.keys import KeyList, RevokedKeyRecord, ShownKey, SignedRecord, TrustedRecord
from mlops_lab.cli.records.labs import LabHint, LabsRecord, LabVerdict, StartedLab
from mlops_lab.cli.records.learn import (
    ExercisesRecord,
    FinishedRecord,
    HintRecord,
    SolutionRecord,
    TaskRecord,
    VerdictRecord,
)
from mlops_lab.cli.records.monitoring import DiagnosisRecord
from mlops_lab.cli.records.package import PackageRecord
from mlops_lab.cli.records.predictions import OutcomesRecord, ParityRecord, ScoreRecord
from mlops_lab.cli.records.projects import ConfigRecord, DvcImport, InitRecord, NewToken, RevokedToken, TokenList
from mlops_lab.cli.records.replay import DemoRecord
from mlops_lab.cli.records.server import (
    DecisionEvent,
    ErrorEvent,
    PageEvent,
    PageRecord,
    ReadyEvent,
    ServeRecord,
    StoppedEvent,
    WarningEvent,
)
from mlops_lab.cli.records.tables import (
    ByTable,
    ContractCheck,
    ContractDifferences,
    InferredFields,
    IngestRecord,
    QuarantineRecord,
)
from mlops_lab.cli.records.teach import ClassRecord, HandoutRecord
from mlops_lab.cli.records.tour import AnswerRecord, TourRecord
from mlops_lab.cli.records.tuning import TuneRecord
from mlops_lab.cli.records.upkeep import GarbageRecord, HoldDone, HoldList
from mlops_lab.doctor.records import Examination
from mlops_lab.lineage.audit import Audit
from mlops_lab.lineage.compare import Comparison
from mlops_lab.lineage.readiness.records import Readiness
from mlops_lab.lineage.records import (
    FeatureChanges,
    FeatureDefinitions,
    PredictionLineage,
    PredictionReplay,
    Reproduction,
    SampleReplay,
    VersionLineage,
    ViewDefinition,
)
from mlops_lab.status.ab_report import ABReport
from mlops_lab.status.records import ProjectStatus

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ERROR = "error"
"""The name under which the error of any command is described."""
RECORDS: dict[str, tuple[type[Struct], ...]] = {
    "ab show": (ABReport,),
    "approve": (ApprovalRecord,),
    "ab start": (ABDecisionRecord,),
    "ab stop": (ABDecisionRecord,),
    "alerts ack": (ClosedAlert,),
    "alerts list": (AlertsRecord,),
    "alerts resolve": (ClosedAlert,),
    "alerts show": (AlertDetails,),
    "alerts silence": (SilenceRecord,),
    "alerts test": (ChannelTests,),
    "audit": (Audit,),
    "backup": (BackupRecord,),
    "backtest": (BacktestRecord,),
    "ci init": (CIRecord,),
    "compare": (Comparison,),
    "config schema": (),  # it prints a JSON schema itself
    "config show": (ConfigRecord,),
    "contract check": (ContractCheck,),
    "contract diff": (ContractDifferences,),
    "contract infer": (InferredFields,),
    "demo": (DemoRecord,),
    "docs": (DocsRecord,),
    "doctor": (Examination,),
    "drill list": (DrillsRecord,),
    "drill run": (DrillRunRecord,),
    "env compare": (EnvironmentComparison,),
    "env export": (EnvironmentExport,),
    "explain": (PredictionLineage, VersionLineage),
    "export airflow": (AirflowExport,),
    "export azureml": (AzuremlExport,),
    "export bentoml": (BentomlExport,),
    "export check": (ExportCheck,),
    "export dagster": (DagsterExport,),
    "export dvc": (DvcExport,),
    "export edge": (EdgeExport,),
    "export evidently": (EvidentlyExport,),
    "export feast": (FeastExport,),
    "export kedro": (KedroExport,),
    "export kserve": (KserveExport,),
    "export kubeflow": (KubeflowExport,),
    "export tensorboard": (RunsExport,),
    "export wandb": (RunsExport,),
    "export mlflow-runs": (RunsExport,),
    "export neptune": (RunsExport,),
    "export kubernetes": (KubernetesExport,),
    "export list": (ExportList,),
    "export metaflow": (MetaflowExport,),
    "export mlflow": (MlflowExport,),
    "export mlserver": (MlserverExport,),
    "export pachyderm": (PachydermExport,),
    "export lakefs": (LakefsExport,),
    "export phoenix": (PhoenixExport,),
    "export prefect": (PrefectExport,),
    "export prometheus": (PrometheusExport,),
    "export sagemaker": (SagemakerExport,),
    "export tecton": (TectonExport,),
    "export vertex": (VertexExport,),
    "export whylogs": (WhylogsExport,),
    "features diff": (FeatureChanges,),
    "features list": (FeatureDefinitions,),
    "features show": (ViewDefinition,),
    "features verify": (ParityRecord,),
    "diagnose": (DiagnosisRecord,),
    "forget": (ForgetRecord, ErasureList),
    "gc": (GarbageRecord,),
    "history": (HistoryRecord,),
    "image build": (ImageRecord,),
    "hold create": (HoldDone,),
    "hold list": (HoldList,),
    "hold release": (HoldDone,),
    "ingest": (IngestRecord,),
    "init": (InitRecord,),
    "lab check": (LabVerdict,),
    "lab hint": (LabHint,),
    "lab list": (LabsRecord,),
    "lab start": (StartedLab,),
    "learn check": (VerdictRecord,),
    "learn hint": (HintRecord,),
    "learn list": (ExercisesRecord,),
    "learn next": (TaskRecord, FinishedRecord),
    "learn reset": (TaskRecord,),
    "learn solution": (SolutionRecord,),
    "learn export": (HandoutRecord,),
    "learn report": (ClassRecord,),
    "learn tour": (TourRecord, AnswerRecord),
    "learn watch": (TaskRecord, VerdictRecord, HintRecord, SolutionRecord, ExercisesRecord, FinishedRecord),
    "key create": (SignedRecord,),
    "key list": (KeyList,),
    "key revoke": (RevokedKeyRecord,),
    "key show": (ShownKey,),
    "key sign": (SignedRecord,),
    "key trust": (TrustedRecord,),
    "outcomes": (OutcomesRecord,),
    "package": (PackageRecord,),
    "quarantine": (QuarantineRecord,),
    "readiness": (Readiness,),
    "replay": (PredictionReplay, SampleReplay),
    "reproduce": (Reproduction,),
    "reject": (RejectRecord,),
    "restore": (BackupRecord,),
    "rollback": (RollbackRecord,),
    "rollout abort": (SteeredRecord,),
    "rollout pause": (SteeredRecord,),
    "rollout promote": (SteeredRecord,),
    "rollout resume": (SteeredRecord,),
    "rollout show": (RolloutRecord,),
    "run": (MadeDecision,),
    "import dvc": (DvcImport,),
    "import mlflow": (MadeDecision,),
    "score": (ScoreRecord,),
    "page": (PageRecord,),
    "serve": (ServeRecord,),
    "split": (SplitRecord,),
    "status": (ProjectStatus,),
    "tick": (TickRecord,),
    "token create": (NewToken,),
    "token list": (TokenList,),
    "token revoke": (RevokedToken,),
    "tune": (TuneRecord,),
    "validate": (Validation,),
    "up": (ReadyEvent, PageEvent, DecisionEvent, WarningEvent, ErrorEvent, StoppedEvent),
    ERROR: (ErrorRecord,),
}
"""By command, the records that it prints: one of them, or (`up`) one a line."""


def file_name(command: str) -> str:
    """`features list` as `features-list.json`."""
    return f"{command.replace(' ', '-')}.json"


def make_schema(command: str) -> dict[str, Any]:
    """The JSON schema of what a command prints."""
    title = "The error of any command" if command == ERROR else f"mlops {command} --json"
    head = {"$schema": DIALECT, "title": title}
    records = RECORDS[command]
    if not records:
        return {**head, "$ref": DIALECT}
    references, definitions = msgspec.json.schema_components(records, ref_template="#/$defs/{name}")
    for definition in definitions.values():
        definition["description"] = inspect.cleandoc(definition["description"])
    for record in records:
        definition = definitions[record.__name__]
        definition["required"] = [name for name in definition["properties"] if _is_always_printed(name, definition)]
        if issubclass(record, ByTable):
            tables = definition["properties"].pop("tables")
            definition["additionalProperties"] = tables["additionalProperties"]
            definition["required"].remove("tables")
    body = references[0] if len(references) == 1 else {"anyOf": list(references)}
    return {**head, **body, "$defs": definitions}


def _is_always_printed(name: str, definition: dict[str, Any]) -> bool:
    return name in definition["required"] or name == "schema_version"


def list_fields(schema: dict[str, Any]) -> dict[str, str]:
    """Every field of a schema by its path, with its type: `live_by.version` is `integer or null`.

    `[]` stands for the items of a list, `{}` for the values of an object with any keys; where an object is one of
    several records, its name comes first.
    """
    fields: dict[str, str] = {}
    several = "anyOf" in schema
    for option in schema.get("anyOf", [schema]):
        prefix = f"{_name(option)}: " if several else ""
        _walk(option, schema.get("$defs", {}), prefix, fields)
    return dict(sorted(fields.items()))


def _walk(schema: dict[str, Any], definitions: dict[str, Any], path: str, fields: dict[str, str]) -> None:
    """Add what is inside of an object or a list."""
    if "$ref" in schema and schema["$ref"].startswith("#"):
        schema = definitions[_name(schema)]
    for option in schema.get("anyOf", []):
        _walk(option, definitions, path, fields)
    separator = "." if path and not path.endswith(": ") else ""
    for name, field in schema.get("properties", {}).items():
        _add(field, definitions, f"{path}{separator}{name}", fields)
    if isinstance(schema.get("additionalProperties"), dict):
        _add(schema["additionalProperties"], definitions, path + "{}", fields)
    if isinstance(schema.get("items"), dict):
        _add(schema["items"], definitions, path + "[]", fields)


def _add(schema: dict[str, Any], definitions: dict[str, Any], path: str, fields: dict[str, str]) -> None:
    fields[path] = _type_name(schema, definitions)
    _walk(schema, definitions, path, fields)


def _type_name(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(sorted({_type_name(option, definitions) for option in schema["anyOf"]}))
    if "$ref" in schema:
        return _type_name(definitions[_name(schema)], definitions)
    kind: str = schema.get("type", "any")
    return kind if "type" in schema or "enum" not in schema else "string"


def _name(schema: dict[str, Any]) -> str:
    """The name of the record that a reference leads to."""
    return str(schema["$ref"].rpartition("/")[2])


def write_schemas(folder: Path) -> None:
    """Write the schema of each command; files of commands that do not exist any more are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.json"):
        file.unlink()
    for command in RECORDS:
        (folder / file_name(command)).write_text(write_json(make_schema(command)), encoding="utf-8")


def release_fields(path: Path) -> None:
    """Add new fields to the file of released fields. A field that is there already stays as it is."""
    released = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for command in RECORDS:
        released[command] = {**list_fields(make_schema(command)), **released.get(command, {})}
    path.write_text(write_json({name: dict(sorted(released[name].items())) for name in sorted(released)}), "utf-8")


def write_json(data: Any) -> str:
    """JSON text for people."""
    return json.dumps(data, indent=2) + "\n"


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
    if len(sys.argv) > 2:
        release_fields(Path(sys.argv[2]))
