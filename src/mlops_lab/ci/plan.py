"""What the files of a CI system depend on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlops_lab.lake.sql import is_uri


@dataclass(frozen=True, kw_only=True)
class CIPlan:
    """Whether the repository has the data, whether all rows of it keep the contract, and when the loop ticks (UTC)."""

    has_data: bool
    checks_contract: bool = True
    cron: str = "17 * * * *"


def is_in_repository(data: str) -> bool:
    """Whether data at this place, as mlops.toml names it, goes with the project."""
    place = data.removeprefix("sqlite:///")
    return not is_uri(place) and not Path(place).is_absolute() and ".." not in Path(place).parts
