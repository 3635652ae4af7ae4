"""Which version answers a request: all live versions, and the way from a key to one of them."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from mlops_lab.inference.predictor import Predictor
from mlops_lab.serving.answering.routing_table import LiveVersion, RoutingTable


def bucket(key: str) -> float:
    """A number in [0, 1) that is always the same for the same key: who is in whose share.

    A checksum would be faster, and is far from even where keys are numbered.
    """
    return int.from_bytes(blake2b(key.encode(), digest_size=6).digest()) / 2**48


class Route(NamedTuple):
    """Who answers, in which role, and who is scored beside it after the answer."""

    predictor: Predictor
    role: str
    shadow: Predictor | None = None


class LiveModels:
    """The versions of a deployment, loaded; those that `known` holds are taken over."""

    def __init__(
        self, deployment: RoutingTable, root: Path, known: Mapping[LiveVersion, Predictor] | None = None
    ) -> None:
        self.deployment = deployment
        lives = [
            deployment.champion,
            deployment.challenger,
            deployment.previous,
            *(arm.live for arm in deployment.arms),
        ]
        self.by_live: dict[LiveVersion, Predictor] = {}
        for live in lives:
            if live is not None and live not in self.by_live:
                self.by_live[live] = (known or {}).get(live) or _load(live, root)
        self.champion = self.by_live[deployment.champion]
        challenger = self.by_live[deployment.challenger] if deployment.challenger else None
        self._champion = Route(self.champion, "champion", challenger)
        self._canary = Route(challenger, "canary", self.champion) if challenger else self._champion
        self._arms = [(arm.share, Route(self.by_live[arm.live], "arm")) for arm in deployment.arms]
        self._is_split = bool(self._arms or (challenger and deployment.canary_share))

    @property
    def predictors(self) -> list[Predictor]:
        """All that are loaded, the champion first."""
        return list(self.by_live.values())

    @property
    def is_split(self) -> bool:
        """Whether not all requests are answered by the champion."""
        return self._is_split

    def route(self, key: str) -> Route:
        """Who answers the requests of a key: the same as long as the rollout, or the A/B test, is the same."""
        if not self._is_split:
            return self._champion
        if self._arms:
            place = bucket(f"arms/{key}")
            for share, arm in self._arms:
                if place < share:
                    return arm
                place -= share
        # the salt draws each rollout's share anew; within one rollout a key always meets the same version
        canary = self._canary
        if canary.role == "canary" and bucket(f"{canary.predictor.version}/{key}") < self.deployment.canary_share:
            return canary
        return self._champion

    @property
    def fallback(self) -> Route:
        """Who answers what a version on trial refuses to."""
        return Route(self.champion, "champion")


def _load(live: LiveVersion, root: Path) -> Predictor:
    return Predictor(root / live.package, version=live.version, fingerprint=live.fingerprint)
