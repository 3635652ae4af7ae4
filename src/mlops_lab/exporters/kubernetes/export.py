"""Kustomize manifests: the project's server and loop, and engines whose traffic follows the loop's verdict."""

from __future__ import annotations

from pathlib import Path

import yaml

from mlops_lab.exporters.exporter import ExportReport
from mlops_lab.exporters.kubernetes.base import base_manifests
from mlops_lab.exporters.kubernetes.engines import argo_manifests, flagger_manifests, kserve_manifests
from mlops_lab.exporters.kubernetes.pods import Deployed, Json
from mlops_lab.exporters.names import make_name
from mlops_lab.exporters.readme import write_readme
from mlops_lab.lake import Lake
from mlops_lab.project import Project
from mlops_lab.rollout.decision_log import read_decisions
from mlops_lab.rollout.decisions import fold
from mlops_lab.rollout.next_step import share_now
from mlops_lab.rollout.versions import find_champion

_MADE = "# Written by `mlops export kubernetes`; run it again instead of changing this file: patch it in an overlay.\n"
_ENGINES = {"argo-rollouts": argo_manifests, "flagger": flagger_manifests, "kserve": kserve_manifests}


def export(project: Project, folder: Path) -> ExportReport:
    """Write the manifests into an empty folder; InvalidInput where no version is live."""
    deployed = describe(project)
    base = base_manifests(deployed)
    tags = [
        {"name": f"{deployed.name}-{use}", "newName": f"{deployed.name}-{use}", "newTag": str(deployed.version)}
        for use in ("serving", "training")
    ]
    _write(folder / "base", base, images=tags)
    for name, make in _ENGINES.items():
        _write(folder / name, {"traffic.yaml": make(deployed)}, resources=["../base"], images=tags)
    write_readme(
        folder,
        tool="kubernetes",
        name=deployed.name,
        version=deployed.version,
        champion=deployed.champion,
        percent=round(100 * deployed.share),
    )
    details = {"version": deployed.version, "share": deployed.share, "engines": sorted(_ENGINES)}
    lines = (
        f"version {deployed.version}, which may answer {100 * deployed.share:.4g}% of the traffic by now",
        f"next: `kubectl apply -k {sorted(_ENGINES)[0]}` in the folder, or another engine's",
    )
    return ExportReport(details, lines)


def describe(project: Project) -> Deployed:
    """The version under way, or else the champion, as the manifests name it."""
    decisions = read_decisions(Lake(project.lake_path))
    champion, state = find_champion(decisions).version, fold(decisions)
    return Deployed(
        name=make_name(project),
        port=project.settings.serving.port,
        timezone=project.timezone,
        version=state.challenger or champion,
        champion=champion,
        share=share_now(project, state) if state.challenger else 1.0,
        steps=project.settings.rollout.shares,
        max_days=project.settings.rollout.max_days,
    )


def _write(
    folder: Path, manifests: dict[str, list[Json]], *, images: list[dict[str, str]], resources: list[str] | None = None
) -> None:
    folder.mkdir()
    for name, objects in manifests.items():
        (folder / name).write_text(_MADE + yaml.safe_dump_all(objects, sort_keys=False), encoding="utf-8")
    kustomization: Json = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [*(resources or ()), *manifests],
        "images": images,
    }
    (folder / "kustomization.yaml").write_text(_MADE + yaml.safe_dump(kustomization, sort_keys=False), encoding="utf-8")
