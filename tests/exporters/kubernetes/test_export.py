"""The manifests: hardened pods, one writer, engines that do what the verdict says; checked by Kubernetes' own schemas."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from webhook import skip_without

from mlops_lab.exporters.kubernetes.base import base_manifests
from mlops_lab.exporters.kubernetes.engines import argo_manifests, flagger_manifests, kserve_manifests
from mlops_lab.exporters.kubernetes.export import describe, export
from mlops_lab.exporters.kubernetes.pods import Deployed
from mlops_lab.exporters.names import make_name
from mlops_lab.project import Project
from mlops_lab.serving.protocols.verdict import Gate

PYTHON = Path(__file__).parents[3] / ".peers" / "kubernetes" / "bin" / "python"
ENGINES = ["argo-rollouts", "flagger", "kserve"]
OWN_KINDS = {"Rollout", "AnalysisTemplate", "Canary", "MetricTemplate", "InferenceService", "Kustomization"}
CANARY = Deployed(
    name="shop", port=8321, timezone="UTC", version=3, champion=2, share=0.1, steps=(0.1, 0.5), max_days=120
)
VALIDATE = """
import sys, yaml, kubernetes_validate
for path in sys.argv[1:]:
    for object in yaml.safe_load_all(open(path)):
        kubernetes_validate.validate(object, "1.37", strict=True)
        print(object["kind"])
"""


@pytest.fixture(scope="module")
def folder(live_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    export(live_project, folder)
    return folder


def pods_in(node: Any) -> Iterator[dict[str, Any]]:
    """All specifications of pods below some objects."""
    if isinstance(node, dict):
        if "containers" in node:
            yield node
        for value in node.values():
            yield from pods_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from pods_in(value)


def everything(deployed: Deployed) -> list[dict[str, Any]]:
    objects = [item for items in base_manifests(deployed).values() for item in items]
    return objects + argo_manifests(deployed) + flagger_manifests(deployed) + kserve_manifests(deployed)


def find(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    return next(item["spec"] for item in objects if item["kind"] == kind)


def test_every_pod_runs_as_nobody_and_writes_to_its_volumes_only() -> None:
    pods = list(pods_in(everything(CANARY)))
    assert len(pods) == 5
    for pod in pods:
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["limits"]["memory"]
            assert {mount["name"] for mount in container["volumeMounts"]} == {v["name"] for v in pod["volumes"]}
            if "ports" in container:
                assert {"startupProbe", "livenessProbe", "readinessProbe"} <= container.keys()


def test_one_process_writes_the_journal_and_one_loop_decides() -> None:
    base = [item for items in base_manifests(CANARY).values() for item in items]
    server, loop = find(base, "Deployment"), find(base, "CronJob")
    assert (server["replicas"], server["strategy"]["type"]) == (1, "Recreate")
    assert loop["concurrencyPolicy"] == "Forbid"
    (beside,) = next(pods_in(loop))["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert beside["labelSelector"]["matchLabels"] == server["selector"]["matchLabels"]
    scaled = [item for item in everything(CANARY) if item["kind"] == "HorizontalPodAutoscaler"]
    assert {item["spec"]["scaleTargetRef"]["name"] for item in scaled} == {"shop-traffic"}, "never the server"


def holds(condition: str, verdict: dict[str, Any], arguments: dict[str, str]) -> bool:
    """What a condition of Argo Rollouts says of a verdict; its few operators are those of Python."""
    text = re.sub(r"\{\{args\.(\w+)\}\}", lambda found: arguments[found[1]], condition)
    text = re.sub(r"result\.(\w+)", r'result["\1"]', text).replace("&&", "and").replace("!result", "not result")
    return bool(eval(text, {"__builtins__": {}}, {"result": verdict}))


@pytest.mark.parametrize(
    ("verdict", "version", "share", "is_stale", "expected"),
    [
        ("hold", 3, 0.0, False, ["wait", "wait", "wait"]),
        ("hold", 3, 0.1, False, ["go", "wait", "wait"]),
        ("hold", 3, 0.5, False, ["go", "go", "wait"]),
        ("promote", 3, 1.0, False, ["go", "go", "go"]),
        ("promote", 2, 1.0, False, ["wait", "wait", "wait"]),
        ("roll_back", 3, 0.0, False, ["back", "back", "back"]),
        ("roll_back", 2, 0.0, False, ["wait", "wait", "wait"]),
        ("hold", 3, None, True, ["wait", "wait", "wait"]),
        ("hold", None, None, True, ["wait", "wait", "wait"]),
    ],
)
def test_argo_takes_a_step_when_the_loop_allows_it(
    verdict: str, version: int | None, share: float | None, is_stale: bool, expected: list[str]
) -> None:
    objects = argo_manifests(CANARY)
    (metric,) = find(objects, "AnalysisTemplate")["metrics"]
    steps = find(objects, "Rollout")["strategy"]["canary"]["steps"]
    assert [step["setWeight"] for step in steps[1::2]] == [10, 50, 100]
    found = {"verdict": verdict, "version": version, "share": share, "is_stale": is_stale}
    said = []
    for step in steps[::2]:
        arguments = {item["name"]: item["value"] for item in step["analysis"]["args"]}
        goes, fails = (holds(metric[name], found, arguments) for name in ("successCondition", "failureCondition"))
        assert not (goes and fails)
        said.append("go" if goes else "back" if fails else "wait")
    assert said == expected
    assert metric["inconclusiveLimit"] * 5 >= CANARY.max_days * 24 * 60, "it waits as long as a rollout may take"


def test_flagger_asks_about_its_version() -> None:
    objects = flagger_manifests(CANARY)
    hooks = {hook["type"]: hook for hook in find(objects, "Canary")["analysis"]["webhooks"]}
    assert hooks["confirm-promotion"]["url"].endswith("/v1/rollout/verdict/promote")
    assert hooks["rollback"]["url"].endswith("/v1/rollout/verdict/roll-back")
    assert all(hook["metadata"] == {"version": "3"} for hook in hooks.values())
    assert "metadata" in Gate.__struct_fields__
    assert 'version="3",verdict="roll_back"' in find(objects, "MetricTemplate")["query"]


@pytest.mark.parametrize(("share", "percent"), [(0.0, 0), (0.1, 10), (1.0, None)])
def test_kserve_gets_the_share_of_now(share: float, percent: int | None) -> None:
    deployed = Deployed(**{**vars(CANARY), "share": share})
    assert kserve_manifests(deployed)[0]["spec"]["predictor"].get("canaryTrafficPercent") == percent


def test_names_are_those_that_kubernetes_takes(live_project: Project) -> None:
    assert describe(live_project).name == "parcels"
    assert make_name(live_project) == "parcels"


@pytest.mark.tools
@pytest.mark.exporter("kubernetes")
@pytest.mark.parametrize("engine", ENGINES)
def test_kustomize_builds_each_folder(folder: Path, engine: str) -> None:
    skip_without("kubectl", is_there=shutil.which("kubectl") is not None, install="install kubectl")
    words = ["kubectl", "kustomize", str(folder / engine)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    built = list(yaml.safe_load_all(done.stdout))
    kinds = {item["kind"] for item in built}
    assert {"Deployment", "CronJob", "PersistentVolumeClaim", "NetworkPolicy", "PodDisruptionBudget"} <= kinds
    names = [(item["kind"], item["metadata"]["name"]) for item in built]
    assert len(names) == len(set(names))


@pytest.mark.tools
@pytest.mark.exporter("kubernetes")
def test_they_pass_the_schemas_of_kubernetes(folder: Path, tmp_path: Path) -> None:
    skip_without("kubernetes-validate", is_there=PYTHON.exists(), install="make peers")
    paths, checked = [], 0
    for path in sorted(folder.rglob("*.yaml")):
        objects = [item for item in yaml.safe_load_all(path.read_text()) if item["kind"] not in OWN_KINDS]
        checked += len(objects)
        paths.append(tmp_path / f"{path.parent.name}-{path.name}")
        paths[-1].write_text(yaml.safe_dump_all(objects))
    words = [str(PYTHON), "-c", VALIDATE, *map(str, paths)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == checked >= 10
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text((folder / "base" / "server.yaml").read_text().replace("replicas: 1", "replicas: one"))
    assert subprocess.run([*words[:3], str(wrong)], capture_output=True, timeout=120, check=False).returncode != 0
