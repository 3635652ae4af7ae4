"""A small shop whose declaration is data: it can be changed in any way, and written as a project again."""

from __future__ import annotations

import zlib
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import polars as pl

FIRST_DAY = datetime(2013, 3, 1, 5, tzinfo=UTC)
DAYS, ROWS = 12, 240
SHOPS = ("a", "b", "c")
GRADES = ("low", "mid", "high")

Declared = dict[str, Any]
"""A field: `type`, and perhaps `categories` and `default`."""


@dataclass
class TableDraft:
    key: list[str]
    fields: dict[str, Declared]
    known_at: str | None = None


@dataclass
class ViewDraft:
    table: str
    by: dict[str, str]
    values: dict[str, tuple[str, str]]
    over: str | None = None


def _request() -> dict[str, Declared]:
    return {
        "asked_at": {"type": "datetime"},
        "customer": {"type": "string?"},
        "shop": {"type": "string", "categories": list(SHOPS)},
        "amount": {"type": "float"},
        "items": {"type": "integer?"},
        "gift": {"type": "boolean"},
    }


def _outcome() -> dict[str, Declared]:
    return {
        "late": {"type": "boolean"},
        "hours": {"type": "float"},
        "grade": {"type": "string", "categories": list(GRADES)},
        "note": {"type": "string?"},
    }


def _tables() -> dict[str, TableDraft]:
    stock = {"shop": {"type": "string"}, "known_at": {"type": "datetime"}, "level": {"type": "float?"}}
    shops = {"shop": {"type": "string"}, "size": {"type": "integer?"}, "town": {"type": "string"}}
    return {"stock": TableDraft(["shop"], stock, "known_at"), "shops": TableDraft(["shop"], shops)}


def _views() -> dict[str, ViewDraft]:
    return {
        "hours_1d": ViewDraft("orders", {"shop": "shop"}, {"shop_hours": ("mean", "hours")}, over="1d"),
        "stock": ViewDraft("stock", {"shop": "shop"}, {"level": ("last", "level")}),
        "shops": ViewDraft("shops", {"shop": "shop"}, {"size": ("last", "size"), "town": ("last", "town")}),
    }


@dataclass
class Draft:
    """All that `mlops.toml`, `pipeline.py` and the data files of the shop are made from."""

    name: str = "shop"
    zone: str = "Europe/Berlin"
    source: str = "orders"
    id: str = "order_id"
    time: str = "asked_at"
    known_at: str = "known_at"
    label: str = "late"
    key: str | None = "customer"
    weight: str | None = None
    slices: list[str] = field(default_factory=list)
    request: dict[str, Declared] = field(default_factory=_request)
    outcome: dict[str, Declared] = field(default_factory=_outcome)
    tables: dict[str, TableDraft] = field(default_factory=_tables)
    views: dict[str, ViewDraft] = field(default_factory=_views)
    derived: dict[str, str] = field(default_factory=lambda: {"hour": 'pl.col("asked_at").dt.hour()'})
    inputs: list[str] = field(default_factory=lambda: ["shop", "shop_hours", "level", "size", "hour", "amount"])
    trees: int = 3
    rows: int = ROWS

    def copy(self) -> Draft:
        return deepcopy(self)

    def write(self, folder: Path) -> None:
        """Write the project: its two files, and its data."""
        (folder / "data").mkdir(parents=True, exist_ok=True)
        (folder / "mlops.toml").write_text(self.config())
        (folder / "pipeline.py").write_text(self.pipeline())
        self.orders().write_parquet(folder / "data/orders.parquet")
        for name in self.tables:
            self.facts(name).write_parquet(folder / f"data/{name}.parquet")

    # ---- the two files -------------------------------------------------------------------------------------------

    def config(self) -> str:
        lines = [f'[project]\nname = "{self.name}"\ntimezone = "{self.zone}"\nclock = "data"\n\n[source]']
        lines += [f'table = "{self.source}"\ndata = "data/orders.parquet"']
        roles = {role: getattr(self, role) for role in ("id", "time", "known_at", "label", "key", "weight")}
        lines += [f"{role} = {_toml(name)}" for role, name in roles.items() if name is not None]
        lines += ["\n[source.request]", *_fields(self.request), "\n[source.outcome]", *_fields(self.outcome)]
        for name, table in self.tables.items():
            lines += [f'\n[tables.{name}]\ndata = "data/{name}.parquet"\nkey = {_toml(table.key)}']
            lines += [f'known_at = "{table.known_at}"'] if table.known_at else []
            lines += [f"\n[tables.{name}.fields]", *_fields(table.fields)]
        lines += ["\n[backtest]\ndays = 4\nmin_days = 2\nalpha = 0.4\n\n[gates]\nmax_calibration_gap = 1.0"]
        lines += [f"slices = {_toml(self.slices)}\nslice_min_rows = 20\nmax_slice_loss = 9.0"]
        lines += ['\n[serving]\ndurability = "async"\n\n[triggers]\nevery_days = 100\nmax_calibration_gap = 1.0\n']
        return "\n".join(lines)

    def pipeline(self) -> str:
        views = [
            f"        View({name!r}, {view.table!r}, by={view.by!r}, over={view.over!r}, values={{"
            + ", ".join(f"{value!r}: {how}({column!r})" for value, (how, column) in view.values.items())
            + "}),"
            for name, view in self.views.items()
        ]
        derived = [f"        {name!r}: {expression}," for name, expression in self.derived.items()]
        kind = "LGBMRegressor" if self.outcome[self.label]["type"] in {"float", "integer"} else "LGBMClassifier"
        return "\n".join(
            [
                "import polars as pl\n\nfrom mlops_lab.features import Features, View, count, last, mean, total\n",
                "features = Features(\n    views=[",
                *views,
                "    ],\n    derived={",
                *derived,
                f"    }},\n    inputs={self.inputs!r},\n)\n\n\ndef model():",
                f"    from lightgbm import {kind}\n",
                f"    return {kind}(n_estimators={self.trees}, num_leaves=5, min_child_samples=5, n_jobs=1,",
                "        deterministic=True, force_row_wise=True, random_state=1, verbose=-1)\n",
            ]
        )

    # ---- the data ------------------------------------------------------------------------------------------------

    def orders(self) -> pl.DataFrame:
        """The past: what comes out depends on the amount."""
        step = timedelta(days=DAYS) / ROWS
        asked_at = [FIRST_DAY + number * step for number in range(self.rows)]
        hours = [_hours(number) for number in range(self.rows)]
        columns: dict[str, Any] = {
            self.id: [f"o{number}" for number in range(self.rows)],
            self.known_at: [at + timedelta(hours=2 + late) for at, late in zip(asked_at, hours, strict=True)],
        }
        for fields in (self.request, self.outcome):
            for name, declared in fields.items():
                values = [value_of(name, declared, number) for number in range(self.rows)]
                columns[name] = asked_at if name == self.time else values
        schema = {name: DTYPES[bare(declared)] for name, declared in (self.request | self.outcome).items()}
        return pl.DataFrame(columns, schema_overrides={**schema, self.known_at: DTYPES["datetime"]}, strict=False)

    def facts(self, name: str) -> pl.DataFrame:
        """The rows of a table: one for each shop, or, with a moment, one for each shop and half day."""
        table = self.tables[name]
        count = len(SHOPS) * (2 * DAYS if table.known_at else 1)
        moments = [FIRST_DAY + timedelta(hours=12 * (number // len(SHOPS))) for number in range(count)]
        columns = {
            field: [value_of(field, kind, number) for number in range(count)] for field, kind in table.fields.items()
        }
        columns |= {field: [_key_value(table.fields[field], number) for number in range(count)] for field in table.key}
        if table.known_at:
            columns[table.known_at] = moments
        schema = {field: DTYPES[bare(declared)] for field, declared in table.fields.items()}
        frame = pl.DataFrame(columns, schema_overrides=schema, strict=False)
        return frame.unique([*table.key, *([table.known_at] if table.known_at else [])], maintain_order=True)

    def request_at(self, at: datetime, number: int, name: str) -> dict[str, Any]:
        """A request as a client sends it."""
        row = {field: _valid_value(field, declared, number) for field, declared in self.request.items()}
        return {"id": name, **{field: plain(value) for field, value in row.items()}, self.time: plain(at)}

    def outcome_of(self, name: str, number: int, known_at: datetime) -> dict[str, Any]:
        """The outcome of a request as a client sends it."""
        row = {field: _valid_value(field, declared, number) for field, declared in self.outcome.items()}
        return {"id": name, "known_at": plain(known_at), **{field: plain(value) for field, value in row.items()}}

    def fact_at(self, table: str, at: datetime, number: int) -> dict[str, Any]:
        """A row of a table as a client sends it."""
        declared = self.tables[table]
        row = {name: _valid_value(name, kind, number) for name, kind in declared.fields.items()}
        row |= {name: _key_value(declared.fields[name], number) for name in declared.key}
        row |= {declared.known_at: at} if declared.known_at else {}
        return {name: plain(value) for name, value in row.items()}


DTYPES = {
    "string": pl.String(),
    "integer": pl.Int64(),
    "float": pl.Float64(),
    "boolean": pl.Boolean(),
    "datetime": pl.Datetime("us", "UTC"),
}


_NATURAL: dict[str, Declared] = {**_request(), **_outcome(), **_tables()["stock"].fields, **_tables()["shops"].fields}
"""How the fields of the shop were declared at first: their values stay the same when they are declared otherwise."""


def bare(declared: Declared) -> str:
    """The type without its `?`."""
    return str(declared["type"]).removesuffix("?")


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    return value.isoformat() if isinstance(value, datetime) else value


def value_of(name: str, declared: Declared, number: int) -> Any:
    """The value of a field in a row: always the same one for the same name, as the declared type."""
    random, hours = Random(zlib.crc32(f"{name} {number}".encode())), _hours(number)
    if random.random() < 0.15 and _NATURAL.get(name, declared)["type"].endswith("?"):
        return None
    values = {
        "shop": SHOPS[random.randrange(3)],
        "grade": GRADES[int(hours / 2.01)],
        "late": hours > 3,
        "hours": hours,
        "amount": round(hours * 10, 1),
        "gift": random.random() < 0.3,
        "items": random.randrange(9),
    }
    others = {
        "string": SHOPS[random.randrange(3)],
        "integer": random.randrange(9),
        "float": hours,
        "boolean": hours > 3,
    }
    others["datetime"] = FIRST_DAY + timedelta(hours=random.randrange(99))
    return _as_type(values.get(name, others[bare(_NATURAL.get(name, declared))]), bare(declared))


def _valid_value(name: str, declared: Declared, number: int) -> Any:
    """As `value_of`, but a value that the field allows."""
    allowed, may_be_null = declared.get("categories"), declared["type"].endswith("?")
    for step in range(50):
        value = value_of(name, declared, number + 1000 * step)
        if may_be_null if value is None else not allowed or value in allowed:
            return value
    return allowed[number % len(allowed)] if allowed else value


def _as_type(value: Any, kind: str) -> Any:
    """The value as the type, or, where it has none there, something else of the type."""
    if kind == "string":
        return value if isinstance(value, str) else msgspec.json.encode(value).decode().strip('"')
    if isinstance(value, str):
        value = zlib.crc32(value.encode()) % 7
    if kind == "datetime" or isinstance(value, datetime):
        return value if isinstance(value, datetime) == (kind == "datetime") else FIRST_DAY if kind == "datetime" else 1
    return {"integer": int, "float": float, "boolean": bool}[kind](value)


def _key_value(declared: Declared, number: int) -> Any:
    return SHOPS[number % len(SHOPS)] if bare(declared) == "string" else number % len(SHOPS)


def _hours(number: int) -> float:
    return round(Random(number).random() * 6, 2)


def _fields(fields: dict[str, Declared]) -> list[str]:
    return [f"{_toml(name)} = {_toml(field if len(field) > 1 else field['type'])}" for name, field in fields.items()]


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    return msgspec.json.encode(value).decode()
