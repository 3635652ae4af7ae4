"""Tables, their contracts and their rows, as the commands print them with `--json`."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from mlops_lab.cli.records.errors import ErrorDetails


class ByTable(Struct, frozen=True, kw_only=True):
    """Printed with the names of the tables as keys of the object itself, beside `schema_version`."""

    schema_version: int = 1
    tables: dict[str, Any]


class FieldRecord(Struct, frozen=True, kw_only=True):
    """A field of a table as the data suggests it."""

    name: str
    kind: str
    nullable: bool
    min: float | None
    max: float | None
    categories: list[str]
    format: str | None
    default: str | int | float | bool | None = None


class InferredFields(ByTable, frozen=True, kw_only=True):
    """`mlops contract infer`: by table, the fields that the data suggests."""

    tables: dict[str, list[FieldRecord]]


class ContractDifferences(ByTable, frozen=True, kw_only=True):
    """`mlops contract diff`: by table, how contract and data differ, as sentences."""

    tables: dict[str, list[str]]


class BreachRecord(Struct, frozen=True, kw_only=True):
    """A rule of the contract, the number of rows that break it, and examples of them."""

    table: str
    rule: str
    column: str
    text: str
    rows: int
    examples: list[dict[str, Any]]


class ContractCheck(Struct, frozen=True, kw_only=True):
    """`mlops contract check`: the tables that were checked, and the rules that are broken."""

    schema_version: int = 1
    tables: list[str]
    breaches: list[BreachRecord]


class QuarantineRecord(Struct, frozen=True, kw_only=True):
    """`mlops quarantine`: rows that were released now, by table, and the rules that waiting rows break."""

    schema_version: int = 1
    released: dict[str, int]
    waiting: list[BreachRecord]


class IngestRecord(Struct, frozen=True, kw_only=True):
    """`mlops ingest`: the number of rows by what became of them.

    `quarantined` and `problems` are left out where every row keeps the contract. A problem is an object for a row that
    the server set aside, and a sentence for rows that were set aside before they were sent. Where no row was sent to a
    running server, `counts` and `problems` are empty and nothing else is printed.
    """

    schema_version: int = 1
    accepted: int | UnsetType = UNSET
    duplicate: int | UnsetType = UNSET
    quarantined: int | UnsetType = UNSET
    problems: list[ErrorDetails | str] | UnsetType = UNSET
    counts: dict[str, int] | UnsetType = UNSET
