"""Random edits of a shop: what people change in `mlops.toml`, `pipeline.py` and the data between two commands."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from drafts import GRADES, Declared, Draft, TableDraft, ViewDraft, bare

Edit = Callable[[Draft, Random], None]
KINDS = ("string", "integer", "float", "boolean")
NAMES = (
    *("promo", "colour", "weight_kg", "gift", "note", "amount", "items", "customer"),
    *("late", "level", "size", "town", "hour", "shop_hours", "hours", "price"),
    *("id", "at", "version", "received_at", "feature:level"),
)
"""Names of new fields: ordinary ones, names that something else has already, and columns of the log."""
_HOW = {"string": ["last", "count"], "datetime": ["last", "count"]}
_ALL_HOW = ["last", "mean", "total", "count"]


def add_request_field(draft: Draft, random: Random) -> None:
    draft.request[random.choice(NAMES)] = _declare(random)


def add_outcome_field(draft: Draft, random: Random) -> None:
    draft.outcome[random.choice(NAMES)] = _declare(random)


def add_table_field(draft: Draft, random: Random) -> None:
    _table(draft, random)[1].fields[random.choice(NAMES)] = _declare(random)


def remove_request_field(draft: Draft, random: Random) -> None:
    _remove(draft, draft.request, random)


def remove_outcome_field(draft: Draft, random: Random) -> None:
    _remove(draft, draft.outcome, random)


def remove_table_field(draft: Draft, random: Random) -> None:
    _remove(draft, _table(draft, random)[1].fields, random)


def rename_field(draft: Draft, random: Random) -> None:
    """Everywhere, also where it has a role; its values come with it."""
    fields = random.choice([draft.request, draft.outcome])
    old, new = random.choice(list(fields)), random.choice(NAMES)
    _rename_in(fields, old, new)
    for role in ("time", "label", "key", "weight"):
        if getattr(draft, role) == old:
            setattr(draft, role, new)
    draft.slices = [new if name == old else name for name in draft.slices]
    draft.inputs = [new if name == old else name for name in draft.inputs]
    draft.derived = {name: text.replace(f'"{old}"', f'"{new}"') for name, text in draft.derived.items()}
    for view in draft.views.values():
        if fields is draft.request:
            view.by = {new if name == old else name: column for name, column in view.by.items()}
        if view.table == draft.source:
            _rename_columns(view, old, new)


def rename_table_field(draft: Draft, random: Random) -> None:
    name, table = _table(draft, random)
    old, new = random.choice(list(table.fields)), random.choice(NAMES)
    _rename_in(table.fields, old, new)
    table.key = [new if column == old else column for column in table.key]
    table.known_at = new if table.known_at == old else table.known_at
    for view in draft.views.values():
        if view.table == name:
            _rename_columns(view, old, new)


def change_type(draft: Draft, random: Random) -> None:
    fields = random.choice([draft.request, draft.outcome, _table(draft, random)[1].fields])
    name = random.choice(list(fields))
    null = "?" if fields[name]["type"].endswith("?") else ""
    fields[name] = {"type": random.choice(KINDS) + null}


def change_nullable(draft: Draft, random: Random) -> None:
    fields = random.choice([draft.request, draft.outcome, _table(draft, random)[1].fields])
    declared = fields[random.choice(list(fields))]
    declared["type"] = bare(declared) if declared["type"].endswith("?") else declared["type"] + "?"
    declared.pop("default", None)


def reorder(draft: Draft, random: Random) -> None:
    for fields in (draft.request, draft.outcome, *(table.fields for table in draft.tables.values())):
        names = list(fields.items())
        random.shuffle(names)
        fields.clear()
        fields.update(names)
    random.shuffle(draft.inputs)


def change_categories(draft: Draft, random: Random) -> None:
    fields = random.choice([draft.request, draft.outcome])
    texts = [declared for declared in fields.values() if bare(declared) == "string"]
    if not texts:
        return
    declared = random.choice(texts)
    known = list(declared.get("categories") or GRADES)
    change = random.choice(["add", "remove", "reverse", "none"])
    changed = {"add": [*known, "new"], "remove": known[1:], "reverse": known[::-1], "none": known}[change]
    declared["categories"] = list(dict.fromkeys(changed))
    if change == "none":
        declared.pop("categories")


def change_label(draft: Draft, random: Random) -> None:
    draft.label = random.choice(list(draft.outcome))


def change_key(draft: Draft, random: Random) -> None:
    draft.key = random.choice([None, *draft.request])


def change_roles(draft: Draft, random: Random) -> None:
    change = random.choice(["id", "time", "known_at", "weight", "slices", "table_known_at", "table_key"])
    if change == "id":
        draft.id = random.choice(["order_id", "number", "row_id"])
    elif change == "time":
        draft.time = random.choice(["asked_at", "paid_at", *draft.request])
        draft.request.setdefault(draft.time, {"type": "datetime"})
    elif change == "known_at":
        draft.known_at = random.choice(["known_at", "seen_at"])
    elif change == "weight":
        draft.weight = random.choice([None, *draft.request, *draft.outcome])
    elif change == "slices":
        draft.slices = random.sample([*draft.request, *draft.outcome], 2)
    elif change == "table_known_at":
        table = _table(draft, random)[1]
        table.known_at = None if table.known_at else "known_at"
        if table.known_at:
            table.fields["known_at"] = {"type": "datetime"}
    else:
        table = _table(draft, random)[1]
        table.key = random.sample(list(table.fields), min(len(table.fields), random.choice([1, 2])))


def change_project(draft: Draft, random: Random) -> None:
    if random.random() < 0.5:
        draft.zone = random.choice(["UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo"])
    else:
        draft.name = random.choice(["shop", "store"])


def rename_source(draft: Draft, random: Random) -> None:
    new = random.choice(["orders", "sales", "stock", "predictions"])
    for view in draft.views.values():
        view.table = new if view.table == draft.source else view.table
    draft.source = new


def change_tables(draft: Draft, random: Random) -> None:
    change = random.choice(["add", "remove", "rename"])
    if change == "add":
        fields: dict[str, Declared] = {"shop": {"type": "string"}, "price": _declare(random)}
        draft.tables["prices"] = TableDraft(["shop"], fields)
        draft.views["prices"] = ViewDraft("prices", {"shop": "shop"}, {"price": ("last", "price")})
        draft.inputs = [*dict.fromkeys([*draft.inputs, "price"])]
        return
    name, table = _table(draft, random)
    if name not in draft.tables:
        return
    del draft.tables[name]
    new = "goods"
    if change == "rename":
        draft.tables[new] = table
    for view in [view for view in draft.views.items() if view[1].table == name]:
        if change == "rename":
            view[1].table = new
        else:
            _remove_view(draft, view[0])


def change_views(draft: Draft, random: Random) -> None:
    change = random.choice(["add", "remove", "values", "window", "name"])
    tables = {
        draft.source: draft.request | draft.outcome,
        **{name: table.fields for name, table in draft.tables.items()},
    }
    if change == "add" or not draft.views:
        table = random.choice(list(tables))
        column = random.choice(list(tables[table]))
        how = random.choice(_HOW.get(bare(tables[table][column]), _ALL_HOW))
        name = random.choice(NAMES)
        draft.views["extra"] = ViewDraft(
            table, {"shop": "shop"}, {name: (how, column)}, None if how == "last" else "2d"
        )
        draft.inputs = [*dict.fromkeys([*draft.inputs, name])]
        return
    name = random.choice(list(draft.views))
    view = draft.views[name]
    if change == "remove":
        _remove_view(draft, name)
    elif change == "values" and view.table in tables:
        column = random.choice(list(tables[view.table]))
        view.values[random.choice(list(view.values))] = (view.over and "mean") or "last", column
    elif change == "window" and view.over:
        view.over = random.choice(["6h", "3d"])
    else:
        draft.views["renamed"] = draft.views.pop(name)


def change_inputs(draft: Draft, random: Random) -> None:
    values = [value for view in draft.views.values() for value in view.values]
    names = [name for name in (*draft.request, *values, *draft.derived) if name != draft.time]
    draft.inputs = random.sample(names, min(len(names), random.randrange(3, 8)))


def change_derived(draft: Draft, random: Random) -> None:
    name = random.choice([*NAMES, "hour"])
    column = random.choice(list(draft.request))
    kind = bare(draft.request[column])
    texts = {
        "string": f'pl.col("{column}").str.len_chars()',
        "boolean": f'pl.col("{column}").cast(pl.Int64)',
        "datetime": f'pl.col("{column}").dt.weekday()',
    }
    draft.derived[name] = texts.get(kind, f'pl.col("{column}") * 2')
    draft.inputs = [*dict.fromkeys([*draft.inputs, name])]


def change_model(draft: Draft, random: Random) -> None:
    draft.trees = random.choice([1, 3, 10])


def grow(draft: Draft, random: Random) -> None:
    draft.rows += random.choice([10, 30])


EDITS: dict[str, Edit] = {
    edit.__name__: edit
    for edit in (
        add_request_field, add_outcome_field, add_table_field,
        remove_request_field, remove_outcome_field, remove_table_field,
        rename_field, rename_table_field, change_type, change_nullable, reorder, change_categories, change_label,
        change_key, change_roles, change_project, rename_source, change_tables, change_views, change_inputs,
        change_derived, change_model, grow,
    )
}  # fmt: skip


def _declare(random: Random) -> Declared:
    kind = random.choice(KINDS)
    if random.random() < 0.6:
        return {"type": kind + "?"}
    defaults: dict[str, Any] = {"string": "a", "integer": 3, "float": 1.5, "boolean": True}
    return {"type": kind, "default": defaults[kind]} if random.random() < 0.7 else {"type": kind}


def _table(draft: Draft, random: Random) -> tuple[str, TableDraft]:
    """One of the tables; a new one where there is none."""
    if not draft.tables:
        return "none", TableDraft(["shop"], {"shop": {"type": "string"}})
    name = random.choice(list(draft.tables))
    return name, draft.tables[name]


def _remove(draft: Draft, fields: dict[str, Declared], random: Random) -> None:
    """Remove a field, and most times what is made from it, as people do after the first error."""
    if len(fields) < 2:
        return
    name = random.choice(list(fields))
    del fields[name]
    if random.random() < 0.7:
        draft.inputs = [field for field in draft.inputs if field != name]
        draft.slices = [field for field in draft.slices if field != name]
        for view in [
            key for key, view in draft.views.items() if name in {c for _, c in view.values.values()} | {*view.by}
        ]:
            _remove_view(draft, view)
        draft.key = None if draft.key == name else draft.key


def _remove_view(draft: Draft, name: str) -> None:
    values = draft.views.pop(name).values
    draft.inputs = [field for field in draft.inputs if field not in values]


def _rename_in(fields: dict[str, Declared], old: str, new: str) -> None:
    renamed = {new if name == old else name: declared for name, declared in fields.items()}
    fields.clear()
    fields.update(renamed)


def _rename_columns(view: ViewDraft, old: str, new: str) -> None:
    view.by = {name: new if column == old else column for name, column in view.by.items()}
    view.values = {name: (how, new if column == old else column) for name, (how, column) in view.values.items()}
