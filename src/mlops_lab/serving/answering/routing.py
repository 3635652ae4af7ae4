"""Which version answers a request: the live versions, and how a key is assigned to one of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from mlops_lab.errors import EnvironmentFault
from mlops_lab.features.view import View
from mlops_lab.inference.predictor import Predictor, views_of
from mlops_lab.serving.answering.routing_table import LiveVersion, RoutingTable


def bucket(key: str) -> float:
    """A number in [0, 1), always the same for the same key: it decides in which share a key falls.

    A checksum would be faster, but its values are far from evenly spread where keys are numbered.
    """
    return int.from_bytes(blake2b(key.encode(), digest_size=6).digest()) / 2**48


class Route(NamedTuple):
    """The version that answers, its role, and the version in shadow that scores the same request after the response."""

    predictor: Predictor
    role: str
    shadow: Predictor | None = None


class LiveModels:
    """The versions of a routing table, loaded; those in `loaded` are used again.

    Without its champion nothing can answer: an error. Any other version that cannot be loaded, or looks up what is not
    in `views` (the versions of the views in the state to start from; None: all), is left out, and `faults` says why:
    then the champion answers for it.
    """

    def __init__(
        self,
        routing_table: RoutingTable,
        root: Path,
        *,
        loaded: Mapping[LiveVersion, Predictor] | None = None,
        views: Collection[str] | None = None,
    ) -> None:
        self.routing_table = routing_table
        loaded = loaded or {}
        champion = routing_table.champion
        self.champion = loaded.get(champion) or _load(champion, root)
        self.by_live: dict[LiveVersion, Predictor] = {champion: self.champion}
        self.faults: dict[int, str] = {}
        """By version, why it could not be loaded."""
        others = [routing_table.challenger, routing_table.previous, *(arm.live for arm in routing_table.arms)]
        for live in others:
            if live is not None and live not in self.by_live:
                try:
                    self.by_live[live] = _with_views(loaded.get(live) or _load(live, root), views)
                except Exception as error:  # whatever is wrong with it, the champion goes on
                    self.faults[live.version] = str(error) or type(error).__name__
        challenger = self.by_live.get(routing_table.challenger) if routing_table.challenger else None
        self._champion = Route(self.champion, "champion", challenger)
        self._canary = Route(challenger, "canary", self.champion) if challenger else self._champion
        arms = [(arm.share, self.by_live.get(arm.live)) for arm in routing_table.arms]
        self._arms = [(share, Route(arm, "arm") if arm else self._champion) for share, arm in arms]
        self.known_texts = {predictor.version: predictor.known_texts for predictor in self.predictors}
        """By version, the values of text fields that it was trained with."""
        self._is_split = bool(self._arms or (challenger and routing_table.canary_share))

    @property
    def predictors(self) -> list[Predictor]:
        """All loaded versions, the champion first."""
        return list(self.by_live.values())

    @property
    def views(self) -> dict[str, View]:
        """All views that they look up, by the version of the view."""
        return views_of(self.predictors)

    @property
    def is_split(self) -> bool:
        """Whether another version than the champion answers some of the requests."""
        return self._is_split

    def route(self, key: str) -> Route:
        """The version that answers requests with this key: the same during a rollout or an A/B test."""
        if not self._is_split:
            return self._champion
        if self._arms:
            position = bucket(f"arms/{key}")
            for share, arm in self._arms:
                if position < share:
                    return arm
                position -= share
        # the version is a salt: each rollout draws other keys, within one a key always gets the same version
        canary = self._canary
        if canary.role == "canary" and bucket(f"{canary.predictor.version}/{key}") < self.routing_table.canary_share:
            return canary
        return self._champion

    @property
    def fallback(self) -> Route:
        """What answers a request that a version on trial does not answer: the champion."""
        return Route(self.champion, "champion")


def _with_views(predictor: Predictor, views: Collection[str] | None) -> Predictor:
    """The predictor; EnvironmentFault where the state lacks what it looks up."""
    missing = {} if views is None else {name: view for name, view in views_of([predictor]).items() if name not in views}
    if missing:
        names = ", ".join(view.name for view in missing.values())
        raise EnvironmentFault(
            f"version {predictor.version} looks up {names}, which the state to start from does not hold",
            code="state_incomplete",
            where=str(predictor.package),
            hint="run `mlops tick`: it prepares the state again",
        )
    return predictor


def _load(live: LiveVersion, root: Path) -> Predictor:
    home = root / ".mlops"  # not where the routing table says that the package lies
    return Predictor(root / live.package, version=live.version, fingerprint=live.fingerprint, home=home)
