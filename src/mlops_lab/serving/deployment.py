"""The routing table: which version answers. The loop derives it from the decisions; servers follow the file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import msgspec

from mlops_lab.errors import EnvironmentFault


class Live(msgspec.Struct, frozen=True):
    """A version that is live: where its package lies and what it must hash to."""

    version: int
    package: str
    fingerprint: str


class Arm(msgspec.Struct, frozen=True):
    """A version of an A/B test, and the fixed share of the keys that it answers."""

    live: Live
    share: float


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """Who answers. `canary_share` of the keys are answered by the challenger; 0 means shadow only.

    `arms` answer fixed shares of the keys, before anyone else is asked. `previous` answers nobody, and is kept ready:
    the way back to it costs nothing. `generation` is the number of decisions it was derived from: it only grows.
    `state` and `state_positions` name the facts to start from, and the position in each worker's journal that they
    stand at; beyond the last, 0.
    """

    format: Literal[2] = 2
    generation: int
    champion: Live
    challenger: Live | None = None
    canary_share: float = 0.0
    arms: tuple[Arm, ...] = ()
    previous: Live | None = None
    state: str
    state_positions: tuple[int, ...] = ()


def write_deployment(path: Path, deployment: Deployment) -> None:
    """Replace the file atomically: a reader sees the old table or the new one, never a half."""
    write_atomically(path, msgspec.json.format(msgspec.json.encode(deployment)))


def write_atomically(path: Path, data: bytes, *, durable: bool = True, mode: int = 0o666) -> None:
    """Write a file so that at any moment it holds all of the old or all of the new content; where `durable`, also after
    a power cut. `mode`: who may read and write it, less what the umask takes away."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with open(temporary, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def read_deployment(path: Path) -> Deployment:
    """The routing table; EnvironmentFault where there is none yet or it is not one."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Deployment)
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
