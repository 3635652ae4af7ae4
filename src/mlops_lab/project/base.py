"""What all sections of `mlops.toml` are made of.

The meaning of a key is written here only: docs/configuration.md and the JSON schema say it in the same words.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

PositiveInt = Annotated[int, msgspec.Meta(ge=1)]
Share = Annotated[float, msgspec.Meta(gt=0, le=1)]
Half = Annotated[float, msgspec.Meta(gt=0, le=0.5)]
Positive = Annotated[float, msgspec.Meta(gt=0)]


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of all sections: immutable, and an unknown key is an error."""


def means(description: str, *, suggest: list[str] | None = None, **limits: Any) -> msgspec.Meta:
    """What a key means, in words for people; what editors suggest for it; the limits of its values."""
    return msgspec.Meta(description=description, extra_json_schema={"enum": suggest} if suggest else None, **limits)
