"""Projects, their settings, tokens and exports, as the commands print them with `--json`."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from mlops_lab.starter.imported_data import DataOrigin, DataState


class ColumnRecord(Struct, frozen=True, kw_only=True):
    """A column of the data: its field in the project, its type, missing and distinct values, its role, a note."""

    name: str
    field: str
    type: str
    missing: int
    distinct: int
    role: str
    note: str


class InitRecord(Struct, frozen=True, kw_only=True):
    """`mlops init`: the project that was made, and what was found in its data."""

    schema_version: int = 1
    project: str
    folder: str
    rows: int
    task: str
    target: str
    classes: dict[str, int]
    order: str
    key: str | None
    columns: list[ColumnRecord]
    notes: list[str]
    files: list[str]


class DvcImport(Struct, frozen=True, kw_only=True):
    """`mlops import dvc`: the project, its `file`, how that compares with the one before (`state`), where it came from,
    and what the repository says of its own pipeline; `run_id` is null where that is nothing."""

    schema_version: int = 1
    project: str
    folder: str
    file: str
    state: DataState
    origin: DataOrigin
    parameters: dict[str, str]
    metrics: dict[str, float]
    run_id: str | None


class SettingRecord(Struct, frozen=True, kw_only=True, rename={"origin": "from"}):
    """A setting: its value, the layer that it comes `from`, and its name there (null: a default)."""

    key: str
    value: Any
    origin: str
    where: str | None


class ConfigRecord(Struct, frozen=True, kw_only=True):
    """`mlops config show`: the project's file, and every setting."""

    schema_version: int = 1
    config: str
    settings: list[SettingRecord]


class NewToken(Struct, frozen=True, kw_only=True):
    """`mlops token create`: the token, which is never shown again."""

    schema_version: int = 1
    name: str
    role: str
    token: str


class TokenRecord(Struct, frozen=True, kw_only=True):
    """A token, without the secret."""

    name: str
    role: str
    created_at: str


class TokenList(Struct, frozen=True, kw_only=True):
    """`mlops token list`: the tokens that the server accepts."""

    schema_version: int = 1
    tokens: list[TokenRecord]


class RevokedToken(Struct, frozen=True, kw_only=True):
    """`mlops token revoke`: the name and the role of the token that is not accepted any more."""

    schema_version: int = 1
    revoked: str
    role: str
