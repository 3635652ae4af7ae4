"""Which versions answer in a cloud, and with which share: what the loop allows by now."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlops_lab.exporters import clouds
from mlops_lab.exporters.clouds import read_traffic
from mlops_lab.exporters.kubernetes.pods import Deployed
from mlops_lab.project import Project

CANARY = Deployed(
    name="shop", port=8321, timezone="UTC", version=3, champion=2, share=0.1, steps=(0.1, 0.5), max_days=120
)


@pytest.mark.parametrize(
    ("now", "percents"),
    [
        (CANARY, {2: 90, 3: 10}),
        (replace(CANARY, share=0.001), {2: 99, 3: 1}),
        (replace(CANARY, share=1.0), {2: 1, 3: 99}),
        (replace(CANARY, share=0.0), {2: 100}),
        (replace(CANARY, version=2, share=1.0), {2: 100}),
    ],
)
def test_the_shares_are_those_of_the_loop(
    live_project: Project, monkeypatch: pytest.MonkeyPatch, now: Deployed, percents: dict[int, int]
) -> None:
    monkeypatch.setattr(clouds, "describe", lambda _: now)
    assert read_traffic(live_project).percents == percents


def test_one_version_answers_all(live_project: Project) -> None:
    traffic = read_traffic(live_project)
    assert (traffic.percents, traffic.text, traffic.image(1)) == ({1: 100}, "version 1: 100%", "parcels-serving:1")
    assert traffic.builds.split() == ["mlops", "image", "build", "1"]
