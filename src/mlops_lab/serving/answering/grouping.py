"""Lists of which some items belong together: split by key, work on each part, put the results back."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")


def group_indexes(keys: Sequence[Key]) -> dict[Key, Sequence[int]]:
    """By key, the indexes at which it stands, of at least one key."""
    if keys.count(keys[0]) == len(keys):
        return {keys[0]: range(len(keys))}
    groups: dict[Key, list[int]] = {}
    for index, key in enumerate(keys):
        groups.setdefault(key, []).append(index)
    return {**groups}


def pick(items: Sequence[Item], indexes: Sequence[int]) -> Sequence[Item]:
    """The items at these indexes, which are ascending and distinct."""
    return items if len(indexes) == len(items) else [items[index] for index in indexes]


def assign(items: list[Item], indexes: Sequence[int], new: Sequence[Item]) -> None:
    """Replace the items at these indexes, which are ascending and distinct."""
    if len(indexes) == len(items):
        items[:] = new
        return
    for index, item in zip(indexes, new, strict=True):
        items[index] = item
