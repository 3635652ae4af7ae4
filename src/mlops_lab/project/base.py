"""The base class and the types of all sections of `mlops.toml`.

The meaning of a key is written in its section only; docs/configuration.md and the JSON schema repeat the same words.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

PositiveInt = Annotated[int, msgspec.Meta(ge=1)]
Share = Annotated[float, msgspec.Meta(gt=0, le=1)]
Half = Annotated[float, msgspec.Meta(gt=0, le=0.5)]
Positive = Annotated[float, msgspec.Meta(gt=0)]


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The base of all sections: immutable, and an unknown key is an error."""


def means(description: str, *, suggest: list[str] | None = None, **limits: Any) -> msgspec.Meta:
    """The meaning of a key, the values that editors suggest for it (`suggest`), and the limits of its values."""
    return msgspec.Meta(description=description, extra_json_schema={"enum": suggest} if suggest else None, **limits)
