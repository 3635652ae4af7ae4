"""The routing table: which version answers. The loop derives it from the decisions; servers follow the file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from mlops_lab.errors import EnvironmentFault
from mlops_lab.files import write_atomically


class LiveVersion(msgspec.Struct, frozen=True):
    """A version that is live: where its package lies and what it must hash to."""

    version: int
    package: str
    fingerprint: str


class Arm(msgspec.Struct, frozen=True):
    """A version of an A/B test, and the fixed share of the keys that it answers."""

    live: LiveVersion
    share: float


class RoutingTable(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers. `canary_share` of the keys are answered by the challenger; 0 means shadow only.

    `arms` answer fixed shares of the keys, before anyone else is asked. `previous` answers nobody, and is kept ready:
    the way back to it costs nothing. `generation` is the number of decisions it was derived from: it only grows.
    `state` and `state_positions` name the facts to start from, and the position in each worker's journal that they
    stand at; beyond the last, 0.
    """

    format: Literal[2] = 2
    generation: int
    champion: LiveVersion
    challenger: LiveVersion | None = None
    canary_share: float = 0.0
    arms: tuple[Arm, ...] = ()
    previous: LiveVersion | None = None
    state: str
    state_positions: tuple[int, ...] = ()


def write_routing_table(path: Path, deployment: RoutingTable) -> None:
    """Replace the file atomically: a reader sees the old table or the new one, never a half."""
    write_atomically(path, msgspec.json.format(msgspec.json.encode(deployment)))


def read_routing_table(path: Path) -> RoutingTable:
    """The routing table; EnvironmentFault where there is none yet or it is not one."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=RoutingTable)
    except FileNotFoundError:
        raise EnvironmentFault(
            "no version is live yet", code="nothing_live", where=str(path), hint="run `mlops run` first"
        ) from None
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise EnvironmentFault(
            f"is not a deployment: {error}",
            code="bad_deployment",
            where=str(path),
            hint="run `mlops tick`: it is derived anew",
        ) from None
