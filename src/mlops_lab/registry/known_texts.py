"""The categories that a version was trained with: what a request has beyond them, the model never saw."""

from __future__ import annotations

from typing import Any

import msgspec

from mlops_lab.errors import EnvironmentFault
from mlops_lab.registry.package import PROFILE_FILE, Package


class _Texts(msgspec.Struct):
    """The part of an input's profile that tells its categories; the last share is that of those not listed."""

    categories: list[str] | None
    shares: list[float]


def read_known_texts(package: Package) -> dict[str, frozenset[Any]]:
    """By text field of the request that the model takes as it is, all values of the training data, and null.

    A field is left out where its values are not all known: the profile of training lists the most frequent ones.
    """
    plan = package.plan
    known = dict(plan.categories)
    try:
        profiles = msgspec.json.decode(package.files.read(PROFILE_FILE), type=dict[str, _Texts])
    except (EnvironmentFault, msgspec.MsgspecError):  # it answers without; `mlops explain` says what is damaged
        profiles = {}
    for name, profile in profiles.items():
        if profile.categories is not None and not profile.shares[-1]:
            known.setdefault(name, profile.categories)
    return {name: frozenset([*values, None]) for name, values in known.items() if name in plan.request}
