"""What may change in a project, one change at a time: for each pair of an old and a changed project, what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drafts import Declared, Draft, TableDraft, ViewDraft

Change = Callable[[Draft], None]


@dataclass(frozen=True)
class Pair:
    """A change, and the code of the error that refuses it; None: the loop goes on. `run`: the code of the error of
    `mlops run` alone. `label` is what the project predicts before."""

    name: str
    change: Change
    refused: str | None = None
    run: str | None = None
    label: str = "late"


def _declare(part: str, name: str, kind: str, **more: object) -> Change:
    def change(draft: Draft) -> None:
        fields_of(draft, part)[name] = {"type": kind, **more}

    return change


def _remove(part: str, name: str) -> Change:
    return lambda draft: fields_of(draft, part).pop(name) and None


def _rename(part: str, old: str, new: str) -> Change:
    def change(draft: Draft) -> None:
        fields = fields_of(draft, part)
        renamed = {new if name == old else name: declared for name, declared in fields.items()}
        fields.clear()
        fields.update(renamed)

    return change


def _reorder(part: str) -> Change:
    def change(draft: Draft) -> None:
        fields = fields_of(draft, part)
        turned = dict(reversed(fields.items()))
        fields.clear()
        fields.update(turned)

    return change


def _set(**values: object) -> Change:
    def change(draft: Draft) -> None:
        for name, value in values.items():
            setattr(draft, name, value)

    return change


def fields_of(draft: Draft, part: str) -> dict[str, Declared]:
    """The fields of the request, of the outcome, or of a table."""
    parts = {"request": draft.request, "outcome": draft.outcome}
    return parts[part] if part in parts else draft.tables[part].fields


def _both(*changes: Change) -> Change:
    def change(draft: Draft) -> None:
        for one in changes:
            one(draft)

    return change


def _rename_table(draft: Draft) -> None:
    draft.tables["goods"] = draft.tables.pop("stock")


def _rename_table_and_view(draft: Draft) -> None:
    _rename_table(draft)
    draft.views["stock"].table = "goods"


def _add_table(draft: Draft) -> None:
    draft.tables["prices"] = TableDraft(["shop"], {"shop": {"type": "string"}, "price": {"type": "float?"}})


def _add_view(draft: Draft) -> None:
    draft.views["seen"] = ViewDraft("orders", {"shop": "shop"}, {"seen": ("count", "amount")}, over="2d")
    draft.inputs.append("seen")


def _remove_view(draft: Draft) -> None:
    del draft.views["stock"]


def _rename_key(draft: Draft) -> None:
    _rename("stock", "shop", "store")(draft)
    draft.tables["stock"].key = ["store"]


def _rename_everywhere(draft: Draft) -> None:
    """The moment of a request, in all places where it stands."""
    _rename("request", "asked_at", "ordered_at")(draft)
    draft.time = "ordered_at"
    draft.derived = {"hour": 'pl.col("ordered_at").dt.hour()'}


def _table(**values: object) -> Change:
    def change(draft: Draft) -> None:
        for name, value in values.items():
            setattr(draft.tables["stock"], name, value)

    return change


def _view(**values: object) -> Change:
    def change(draft: Draft) -> None:
        for name, value in values.items():
            setattr(draft.views["hours_1d"], name, value)

    return change


PAIRS = [
    # request fields
    Pair("request field added, may be null", _declare("request", "promo", "string?")),
    Pair("request field added, with a default", _declare("request", "promo", "integer", default=3)),
    Pair("request field added, never null", _declare("request", "promo", "float"), run="contract_breach"),
    Pair("request field added, named as a feature", _declare("request", "level", "float?"), "schema_conflict"),
    Pair("request field added, named as a column of the log", _declare("request", "role", "string?"), "bad_config"),
    Pair("request field removed", _remove("request", "gift")),
    Pair("request field removed, an input", _remove("request", "amount"), "schema_conflict"),
    Pair("request field removed, the key of a view", _remove("request", "shop"), "schema_conflict"),
    Pair("request field renamed", _rename("request", "gift", "is_gift"), run="contract_breach"),
    Pair("request field renamed, an input", _rename("request", "amount", "total"), "schema_conflict"),
    Pair("request field of a wider type", _declare("request", "items", "float?")),
    Pair("request field that becomes text", _declare("request", "gift", "string")),
    Pair("request field of a type that values do not fit", _declare("request", "customer", "integer?"), "type_changed"),
    Pair("request field of another type, an input", _declare("request", "amount", "string"), "schema_conflict"),
    Pair("request field that may be null by now", _declare("request", "amount", "float?")),
    Pair("request field that is never null by now", _declare("request", "items", "integer"), run="contract_breach"),
    Pair("request fields in another order", _reorder("request")),
    # outcome fields
    Pair("outcome field added, may be null", _declare("outcome", "reason", "string?")),
    Pair("outcome field added, with a default", _declare("outcome", "reason", "string", default="none")),
    Pair("outcome field removed", _remove("outcome", "note")),
    Pair("outcome field removed, in a view", _remove("outcome", "hours"), "schema_conflict"),
    Pair("outcome field renamed", _rename("outcome", "note", "remark")),
    Pair("outcome field of a type that values do not fit", _declare("outcome", "note", "float?"), "type_changed"),
    Pair("outcome field that becomes text", _declare("outcome", "hours", "string"), "schema_conflict"),
    Pair("outcome field that may be null by now", _declare("outcome", "hours", "float?")),
    Pair("outcome field that is never null by now", _declare("outcome", "note", "string"), run="contract_breach"),
    Pair("outcome fields in another order", _reorder("outcome")),
    # tables and their fields
    Pair("table added", _add_table),
    Pair("table removed, in a view", lambda draft: draft.tables.pop("stock") and None, "schema_conflict"),
    Pair("table renamed, in a view", _rename_table, "schema_conflict"),
    Pair("table renamed, also in the view", _rename_table_and_view, "schema_conflict"),
    Pair("table that is always known by now", _table(known_at=None), "identity_changed"),
    Pair("table with another key", _table(key=["level"]), "bad_config"),
    Pair("source table renamed, in a view", _set(source="sales"), "schema_conflict"),
    Pair("table field added, may be null", _declare("stock", "price", "float?"), run="data_changed"),
    Pair("table field added, with a default", _declare("stock", "price", "float", default=1.5), run="data_changed"),
    Pair("table field removed, in a view", _remove("shops", "town"), "schema_conflict"),
    Pair("table field removed, may be null, in a view", _remove("stock", "level"), run="unknown_column"),
    Pair("table field renamed, the key", _rename_key, "schema_conflict"),
    Pair("table field of a wider type", _declare("shops", "size", "float?"), "schema_conflict"),
    Pair("table field that becomes text", _declare("shops", "size", "string?"), "schema_conflict"),
    Pair("table field of a type that values do not fit", _declare("shops", "town", "integer"), "schema_conflict"),
    Pair("table field that is never null by now", _declare("stock", "level", "float"), run="contract_breach"),
    Pair("table fields in another order", _both(_reorder("stock"), _reorder("shops"))),
    # pipeline.py
    Pair("view added", _add_view),
    Pair(
        "view removed",
        _both(_remove_view, lambda draft: draft.inputs.remove("level")),
    ),
    Pair("view removed, its value stays an input", _remove_view, run="bad_features"),
    Pair("view renamed", lambda draft: draft.views.update(goods=draft.views.pop("stock"))),
    Pair("view of another window", _view(over="6h")),
    Pair("view of another aggregate", _view(values={"shop_hours": ("total", "hours")})),
    Pair("views in another order", lambda draft: setattr(draft, "views", dict(reversed(draft.views.items())))),
    Pair(
        "derived added",
        lambda draft: draft.derived.update(twice='pl.col("amount") * 2') or draft.inputs.append("twice"),
    ),
    Pair("derived removed", _both(_set(derived={}), lambda draft: draft.inputs.remove("hour"))),
    Pair("derived of another type", _set(derived={"hour": 'pl.col("asked_at").dt.hour().cast(pl.String)'})),
    Pair("input added", lambda draft: draft.inputs.append("items")),
    Pair("input removed", lambda draft: draft.inputs.remove("size")),
    Pair("input that is none", lambda draft: draft.inputs.append("nothing"), run="bad_features"),
    Pair("inputs in another order", lambda draft: draft.inputs.reverse()),
    Pair("model of other parameters", _set(trees=10)),
    # roles
    Pair("label of another task", _set(label="hours"), "schema_conflict"),
    Pair("label renamed", _both(_rename("outcome", "late", "is_late"), _set(label="is_late")), run="contract_breach"),
    Pair("label that may be null", _declare("outcome", "late", "boolean?"), "bad_config"),
    Pair("label that becomes a number", _declare("outcome", "late", "integer"), "schema_conflict"),
    Pair("category added", _declare("request", "shop", "string", categories=["a", "b", "c", "d"])),
    Pair("category removed", _declare("request", "shop", "string", categories=["a", "b"]), run="contract_breach"),
    Pair("categories in another order", _declare("request", "shop", "string", categories=["c", "b", "a"])),
    Pair(
        "class added", _declare("outcome", "grade", "string", categories=["low", "new", "mid", "high"]), label="grade"
    ),
    Pair(
        "class removed",
        _declare("outcome", "grade", "string", categories=["low", "high"]),
        run="contract_breach",
        label="grade",
    ),
    Pair(
        "classes in another order",
        _declare("outcome", "grade", "string", categories=["high", "mid", "low"]),
        label="grade",
    ),
    Pair("key removed", _set(key=None)),
    Pair("key of another field", _set(key="shop")),
    Pair("key that is no field", _set(key="nobody"), "bad_config"),
    Pair("id of another column", _set(id="number"), "identity_changed"),
    Pair("id by position", _set(id="row_id"), "identity_changed"),
    Pair("time renamed", _rename_everywhere, "schema_conflict"),
    Pair("known_at of another column", _set(known_at="seen_at"), "identity_changed"),
    Pair("weight added", _set(weight="amount")),
    Pair("slices added", _set(slices=["shop", "gift"])),
    Pair("time zone of another place", _set(zone="Asia/Tokyo")),
    Pair("project renamed", _set(name="store")),
]
