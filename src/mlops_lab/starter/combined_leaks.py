"""Columns that reveal the target only together, such as the parts of a total: they are left out too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from mlops_lab.starter.analysis import RoleAssignment
from mlops_lab.starter.roles import LEFT_OUT
from mlops_lab.training.pair_skill import Combination, find_combination

_MOST = 3
_INPUTS = ("number", "category", "text", "date")


def suspect_combinations(
    assigned: Sequence[RoleAssignment], values: Mapping[str, pl.Series], truth: pl.Series, *, numeric_target: bool
) -> tuple[RoleAssignment, ...]:
    """The assignments, with the columns of up to three combinations left out; `values` and `truth` have the same rows.

    Where no input would be left, they are kept, with a note: the owner must decide.
    """
    for _ in range(_MOST):
        names = [item.column.name for item in assigned if item.role in ("number", "date", "time") and not _kept(item)]
        found = find_combination(pl.DataFrame([values[name] for name in names]), truth, has_classes=not numeric_target)
        if found is None:
            break
        assigned = _leave_out(assigned, found)
    return tuple(assigned)


def _leave_out(assigned: Sequence[RoleAssignment], found: Combination) -> list[RoleAssignment]:
    is_needed = not any(item.role in _INPUTS and item.column.name not in found.names for item in assigned)
    note = f"suspect: {found}; is it known before the target?"
    changed = []
    for item in assigned:
        if item.column.name not in found.names or item.role == "time":
            changed.append(item)
        elif is_needed:
            changed.append(replace(item, note=f"{note} {_KEPT}"))
        else:
            changed.append(replace(item, role=LEFT_OUT, note=note))
    return changed


_KEPT = "It is kept, as no other input is left"


def _kept(item: RoleAssignment) -> bool:
    return item.note.endswith(_KEPT)
