"""The routing table: which version answers. The loop derives it from the decisions, and servers follow the file."""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path
from typing import Literal

import msgspec

from mlops_lab.errors import EnvironmentFault
from mlops_lab.files import write_atomically
from mlops_lab.journal.epochs import NO_EPOCH, LogPosition


class LiveVersion(msgspec.Struct, frozen=True):
    """A version that is live: the folder of its package, and the hash that the package must have."""

    version: int
    package: str
    fingerprint: str


class Arm(msgspec.Struct, frozen=True):
    """A version of an A/B test, and the fixed share of the keys that it answers."""

    live: LiveVersion
    share: float


class RoutingTable(msgspec.Struct, frozen=True, kw_only=True):
    """Which version answers. The challenger answers `canary_share` of the keys; 0 means that it is only a shadow:
    a candidate, or after a promotion the champion before.

    `arms` answer fixed shares of the keys, and come before the challenger. `previous` answers no requests, but stays
    loaded, so that a rollback takes no time. `generation` is the number of decisions that the table was derived from:
    it only grows. `state` is the folder of the state to start from, `state_positions` the position in each worker's
    journal up to which it holds everything, in the epochs `state_epochs`; 0 for further workers. `classes` are by
    version those of its outputs.
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
    state_epochs: tuple[str, ...] = ()
    classes: dict[int, list[str]] = {}

    @property
    def log_positions(self) -> tuple[LogPosition, ...]:
        """The state's position in each journal. Older releases wrote no epochs."""
        pairs = zip_longest(self.state_positions, self.state_epochs[: len(self.state_positions)], fillvalue=NO_EPOCH)
        return tuple(LogPosition(str(epoch), int(position)) for position, epoch in pairs)


def write_routing_table(path: Path, routing_table: RoutingTable) -> None:
    """Replace the file atomically: a reader sees the old table or the new one, never a mixture."""
    write_atomically(path, msgspec.json.format(msgspec.json.encode(routing_table)))


def read_routing_table(path: Path) -> RoutingTable:
    """The routing table in a file; EnvironmentFault where there is none yet, or the file is damaged."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=RoutingTable)
    except FileNotFoundError:
        raise EnvironmentFault(
            "no version is live yet", code="nothing_live", where=str(path), hint="run `mlops run` first"
        ) from None
    except OSError as error:
        raise EnvironmentFault(
            f"cannot be read: {error.strerror}",
            code="bad_deployment",
            where=str(path),
            hint="make it a readable file, or delete it: `mlops tick` writes it again",
        ) from None
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise EnvironmentFault(
            f"is not a routing table: {error}",
            code="bad_deployment",
            where=str(path),
            hint="run `mlops tick`: it writes the table again",
        ) from None
