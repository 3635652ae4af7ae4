"""A Feast feature repository over the project's lake: the same views, the same values.

Feast takes the latest row at or before a moment. It has no sliding windows, it counts a row at exactly its own moment,
and it drops stale rows offline but not online. So each view is written as the list of its changes, computed by our own
offline code: one row for each moment at which its values change (a fact is seen, leaves the window, or goes stale).
The latest of those rows is the view's value at any moment, to the microsecond.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from mlops_lab.errors import InvalidInput
from mlops_lab.exporters.exporter import ExportReport
from mlops_lab.exporters.names import make_identifier
from mlops_lab.features.definition import Features
from mlops_lab.features.offline import view_values
from mlops_lab.features.view import View
from mlops_lab.intake.journal import ingest_journal
from mlops_lab.project import Project
from mlops_lab.tables.facts import read_facts
from mlops_lab.tables.fields import request_fields, table_schemas
from mlops_lab.tables.open_lake import open_lake
from mlops_lab.training.pipeline import load_pipeline

EVENT, CREATED = "event_timestamp", "created_timestamp"
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_NEXT = timedelta(microseconds=1)
_TYPES = {
    "string": "STRING",
    "integer": "INT64",
    "float": "DOUBLE",
    "boolean": "BOOL",
    "datetime": "UNIX_TIMESTAMP",
}


def export(project: Project, folder: Path) -> ExportReport:
    """Write the repository into an empty folder; the report has the number of rows of each view."""
    features, facts = load_features_and_facts(project)
    rows = write_changes(features.views, facts, folder / "data")
    kinds = {field.name: field.kind for field in request_fields(project)}
    (folder / "feature_store.yaml").write_text(_STORE.format(name=make_identifier(project.name)), encoding="utf-8")
    (folder / "features.py").write_text(_write_definitions(project, features.views, kinds, facts), encoding="utf-8")
    (folder / "README.md").write_text(_README.format(name=project.name), encoding="utf-8")
    lines = [f"{view}: {count:,} rows" for view, count in rows.items()]
    return ExportReport({"rows": rows}, (*lines, "next: `feast apply` in the folder"))


def load_features_and_facts(project: Project) -> tuple[Features, dict[str, pl.DataFrame]]:
    """The features of `pipeline.py`, and the facts that they look up; InvalidInput where nothing was loaded."""
    features = load_pipeline(project).features
    features.view_schema(table_schemas(project))
    lake = open_lake(project)
    ingest_journal(project, lake)
    if not lake.exists(project.settings.source.table):
        raise InvalidInput("no rows were loaded yet", code="nothing_loaded", hint="run `mlops run` first")
    return features, read_facts(project, lake.pin())


def write_changes(views: Sequence[View], facts: dict[str, pl.DataFrame], folder: Path) -> dict[str, int]:
    """Write a file of changes for each view; the number of rows by view."""
    folder.mkdir()
    rows = {}
    for view in views:
        changes = list_changes(view, facts[view.table])
        changes.write_parquet(folder / f"{view.name}.parquet")
        rows[view.name] = changes.height
    return rows


def list_changes(view: View, facts: pl.DataFrame) -> pl.DataFrame:
    """A row for each moment at which the view's values may change: keys, values, moment; sorted by moment."""
    keys = {column: field for field, column in view.keys.items()}
    known = facts.drop_nulls(list(keys)).with_columns(
        pl.col("_known_at").fill_null(_BEGINNING), pl.col("_seen_at").fill_null(_BEGINNING)
    )
    lifetime = view.window or view.stale_after
    moments = [pl.col("_seen_at"), *([pl.col("_known_at") + lifetime] if lifetime else [])]
    changes = pl.concat(
        known.select(*(pl.col(column).alias(field) for column, field in keys.items()), (moment + _NEXT).alias(EVENT))
        for moment in moments
    )
    changes = changes.unique(maintain_order=True).sort(EVENT, *keys.values())
    values = view_values(view, changes, time=EVENT, facts=facts)
    return pl.concat([changes, values], how="horizontal").with_columns(pl.col(EVENT).alias(CREATED))


def _write_definitions(
    project: Project, views: Sequence[View], kinds: dict[str, str], facts: dict[str, pl.DataFrame]
) -> str:
    keys = sorted({field for view in views for field in view.keys})
    lines = [
        f'"""The features of {project.name}, for Feast. Written by `mlops export feast`: see README.md."""',
        "",
        "from datetime import timedelta",
        "from pathlib import Path",
        "",
        "from feast import Entity, FeatureService, FeatureView, Field, FileSource, ValueType",
        "from feast.types import Bool, Float64, Int64, String, UnixTimestamp",
        "",
        'DATA = Path(__file__).parent / "data"',
        "",
    ]
    lines += [
        f"{make_identifier(key)}_key = "
        f"Entity(name={key!r}, join_keys=[{key!r}], value_type=ValueType.{_TYPES[kinds[key]]})"
        for key in keys
    ]
    for view in views:
        values = list_changes(view, facts[view.table].head(0))
        name = make_identifier(view.name)
        lines += [
            "",
            f"{name}_source = FileSource(",
            f"    name={view.name + '_source'!r},",
            f'    path=str(DATA / "{view.name}.parquet"),',
            f"    timestamp_field={EVENT!r},",
            f"    created_timestamp_column={CREATED!r},",
            ")",
            f"{name}_view = FeatureView(",
            f"    name={view.name!r},",
            f"    entities=[{', '.join(make_identifier(key) + '_key' for key in view.keys)}],",
            "    ttl=timedelta(0),  # staleness is in the rows",
            "    schema=[",
            *(f"        Field(name={value!r}, dtype={name_type(values.schema[value])})," for value in view.values),
            "    ],",
            "    online=True,",
            f"    source={name}_source,",
            ")",
        ]
    names = ", ".join(f"{make_identifier(view.name)}_view" for view in views)
    return "\n".join([*lines, "", f'inputs = FeatureService(name="inputs", features=[{names}])', ""])


def name_type(dtype: pl.DataType) -> str:
    """The type of Feast for values of this one."""
    if dtype == pl.Boolean:
        return "Bool"
    if dtype.is_integer():
        return "Int64"
    if dtype.is_numeric():
        return "Float64"
    return "UnixTimestamp" if dtype.is_temporal() else "String"


_STORE = """project: {name}
provider: local
registry: data/registry.db
offline_store:
  type: duckdb
online_store:
  type: sqlite
  path: data/online_store.db
entity_key_serialization_version: 3
"""

_README = """# The features of {name}, for Feast

Written by `mlops export feast`.

In an environment with `feast[duckdb]`, in this folder:

    feast apply
    feast materialize 1970-01-01T00:00:00 2100-01-01T00:00:00

and then in Python:

    from feast import FeatureStore
    store = FeatureStore(".")
    store.get_historical_features(entity_df=..., features=store.get_feature_service("inputs")).to_df()
    store.get_online_features(features=store.get_feature_service("inputs"), entity_rows=[...]).to_dict()

`entity_df` holds the keys and a column `event_timestamp`.

Each file in `data/` lists the changes of one view: one row for each moment at which its values change, one microsecond
after a fact was seen, left the window or went stale. The reason: Feast takes the latest row at or before a moment and
has no sliding windows; it drops stale rows offline and serves them online. So windows and staleness are in the rows,
and Feast's own `ttl` is off.

Differences: an entity without any fact has nulls here, never a declared default; derived features are not exported;
facts that became known after the export are missing.
"""
