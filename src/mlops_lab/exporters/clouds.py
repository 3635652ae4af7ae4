"""What the exporters of clouds have in common: which versions answer, with which share, from which image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mlops_lab.exporters.kubernetes.export import describe
from mlops_lab.project import Project

VARIABLES: Mapping[str, str] = {
    "MLOPS_SERVING__ALLOWED_HOSTS": '["*"]',
    "MLOPS_SERVING__PREDICT_TOKEN": "false",
}
"""For the container of an endpoint. Who may ask is up to the cloud, which has no token of ours."""


@dataclass(frozen=True, kw_only=True)
class CloudTraffic:
    """The name of the project in a cloud, the port of its server, and the percentage of the requests by version, the
    champion first: one version, or two while a canary is under way."""

    name: str
    port: int
    percents: Mapping[int, int]

    def image(self, version: int) -> str:
        """The image of a version, without its registry."""
        return f"{self.name}-serving:{version}"

    @property
    def text(self) -> str:
        """For people."""
        return ", ".join(f"version {version}: {percent}%" for version, percent in self.percents.items())

    @property
    def builds(self) -> str:
        """The commands that build the images."""
        return "\n".join(f"    mlops image build {version}" for version in self.percents)


def read_traffic(project: Project) -> CloudTraffic:
    """What the loop allows by now; InvalidInput where no version is live."""
    now = describe(project)
    percents = {now.champion: 100}
    if now.version != now.champion and now.share:
        percent = min(max(round(100 * now.share), 1), 99)
        percents = {now.champion: 100 - percent, now.version: percent}
    return CloudTraffic(name=now.name, port=now.port, percents=percents)
