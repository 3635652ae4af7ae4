"""Which changes of a contract are compatible, in the words of Avro and Protobuf.

Backward: what was stored before can be read under the new contract. Forward: what is written under the new contract can
be read by those who still have the old one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlops_lab.contracts.fields import Field


@dataclass(frozen=True)
class FieldChange:
    """One change of a field: what changed, and why it is not compatible (None: it is)."""

    field: str
    change: str
    not_backward: str | None = None
    not_forward: str | None = None

    def __str__(self) -> str:
        backward = "backward compatible" if self.not_backward is None else f"not backward: {self.not_backward}"
        forward = "forward compatible" if self.not_forward is None else f"not forward: {self.not_forward}"
        return f"{self.field}: {self.change}; {backward}; {forward}"


def compare_contracts(
    before: Sequence[Field], now: Sequence[Field], *, misfits: Mapping[str, str] | None = None
) -> list[FieldChange]:
    """The changes from one contract of a table to another, by field.

    `misfits` says, by field, what is stored that its new type does not fit; None: nothing is known of stored values.
    """
    old, new = ({field.name: field for field in fields} for fields in (before, now))
    changes = [_added(field) for name, field in new.items() if name not in old]
    changes += [_removed(field) for name, field in old.items() if name not in new]
    for name in (name for name in new if name in old):
        changes += _changed(old[name], new[name], misfit=None if misfits is None else misfits.get(name, ""))
    return sorted(changes, key=lambda change: change.field)


def _added(field: Field) -> FieldChange:
    """Rows from before do not have it; who has the old contract does not look at it."""
    missing = "rows from before have no value: declare a default, or that it may be null (`?`)"
    return FieldChange(field.name, f"added ({field.type})", None if field.may_be_omitted else missing)


def _removed(field: Field) -> FieldChange:
    """Rows from before keep it; who has the old contract misses it."""
    missing = "who has the old contract needs a value" if not field.may_be_omitted else None
    return FieldChange(field.name, f"removed ({field.type})", not_forward=missing)


def _changed(old: Field, new: Field, *, misfit: str | None) -> list[FieldChange]:
    changes = []
    if old.kind != new.kind:
        always_fits = (old.kind, new.kind) == ("integer", "float") or new.kind == "string"
        not_backward = misfit or (None if always_fits or misfit is not None else "stored values may not fit")
        not_forward = (
            None if (new.kind, old.kind) == ("integer", "float") else f"{new.kind} values may be no {old.kind}"
        )
        changes.append(FieldChange(new.name, f"type {old.kind} → {new.kind}", not_backward, not_forward))
    if old.nullable != new.nullable:
        text = "may be null now" if new.nullable else "may not be null any more"
        not_backward = "nulls from before break the contract: they need a default" if old.nullable else None
        if new.default is not None:
            not_backward = None
        changes.append(
            FieldChange(new.name, text, not_backward, "a null breaks the old contract" if new.nullable else None)
        )
    if gone := sorted(set(old.categories) - set(new.categories)) if new.categories else []:
        changes.append(
            FieldChange(new.name, f"categories removed: {', '.join(gone)}", "rows from before may have them")
        )
    if more := sorted(set(new.categories) - set(old.categories)) if old.categories else []:
        text = f"categories added: {', '.join(more)}"
        changes.append(FieldChange(new.name, text, not_forward="they break the old contract"))
    return changes
