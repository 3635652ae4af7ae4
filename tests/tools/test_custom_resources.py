"""The custom resources of the manifests, checked by what packages make of their definitions: Argo Rollouts by its types
and validators from npm, KServe by its own SDK."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml
from browsing import find_program, install_web_packages
from running import make_once
from tool_runs import run

from mlops_lab.exporters.kubernetes.engines import argo_manifests, kserve_manifests
from mlops_lab.exporters.kubernetes.pods import Deployed

pytestmark = [pytest.mark.tools, pytest.mark.exporter("kubernetes")]

HERE = Path(__file__).parent
PACKAGES = {"@kubernetes-models/argo-rollouts": "2.0.0", "typescript": "5.9.3"}
IMPORT = 'import type * as kinds from "@kubernetes-models/argo-rollouts/argoproj.io/v1alpha1";'
OPTIONS = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2022"]
CANARY = Deployed(
    name="shop", port=8321, timezone="UTC", version=3, champion=2, share=0.1, steps=(0.1, 0.5), max_days=120
)
Objects: TypeAlias = list[dict[str, Any]]


@pytest.fixture(scope="module")
def node_modules(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages of npm, fetched once, into pytest's cache."""
    kept = getattr(pytestconfig, "cache", None)
    cache = kept.mkdir("argo-rollouts") if kept else tmp_path_factory.mktemp("argo-rollouts")
    return make_once(cache / "npm", lambda folder: install_web_packages(folder, **PACKAGES)) / "node_modules"


def rollout_objects() -> Objects:
    return [item for item in argo_manifests(CANARY) if item["apiVersion"].startswith("argoproj.io/")]


def check_types(objects: Objects, modules: Path, folder: Path) -> str:
    """What TypeScript complains about: it knows every field of the kinds, and refuses others."""
    checks = [f"({json.dumps(item)}) satisfies kinds.I{item['kind']};" for item in objects]
    (folder / "check.ts").write_text("\n".join([IMPORT, *checks]))
    compiler = modules / "typescript" / "bin" / "tsc"
    return ask([find_program("node", package="nodejs"), compiler, *OPTIONS, "check.ts"], folder)


def check_values(objects: Objects, modules: Path, folder: Path) -> str:
    """What the validators complain about: types, and fields that are missing."""
    shutil.copy(HERE / "check_rollouts.mjs", folder)
    (folder / "objects.json").write_text(json.dumps(objects))
    return ask([find_program("node", package="nodejs"), "check_rollouts.mjs", "objects.json"], folder)


def ask(words: list[Any], folder: Path) -> str:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=100)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.fixture
def folder(node_modules: Path, tmp_path: Path) -> Path:
    (tmp_path / "node_modules").symlink_to(node_modules)
    (tmp_path / "package.json").write_text('{"private": true, "type": "module"}')
    return tmp_path


def test_argo_rollouts_knows_every_field(node_modules: Path, folder: Path) -> None:
    objects = rollout_objects()
    assert {item["kind"] for item in objects} == {"Rollout", "AnalysisTemplate"}
    assert check_types(objects, node_modules, folder) == ""
    assert check_values(objects, node_modules, folder) == ""


def misspell(objects: Objects) -> None:
    objects[0]["spec"]["metrics"][0]["failureConditions"] = "true"


def misplace(objects: Objects) -> None:
    objects[1]["spec"]["strategy"]["canary"]["steps"][0]["weight"] = 10


def mistype(objects: Objects) -> None:
    objects[1]["spec"]["replicas"] = "two"


def leave_out(objects: Objects) -> None:
    del objects[0]["spec"]["metrics"][0]["provider"]


@pytest.mark.parametrize("spoil", [misspell, misplace, mistype, leave_out])
def test_argo_rollouts_finds_faults(spoil: Callable[[Objects], None], node_modules: Path, folder: Path) -> None:
    objects = rollout_objects()
    spoil(objects)
    assert "error TS" in check_types(objects, node_modules, folder)
    if spoil in {mistype, leave_out}:
        assert "must" in check_values(objects, node_modules, folder)


@pytest.mark.parametrize("share", [0.1, 1.0])
def test_kserve_knows_every_field(share: float, tmp_path: Path) -> None:
    (service,) = kserve_manifests(Deployed(**{**vars(CANARY), "share": share}))
    file = tmp_path / "inference-service.yaml"
    file.write_text(yaml.safe_dump(service))
    ask_sdk = ["python", str(HERE / "ask_kserve_sdk.py"), str(file)]
    assert json.loads(run(ask_sdk, tmp_path, tool="kserve").stdout)["name"] == "shop-traffic"
    service["spec"]["predictor"]["canaryTrafic"] = 10
    file.write_text(yaml.safe_dump(service))
    assert "canaryTrafic" in run(ask_sdk, tmp_path, tool="kserve", code=1).stderr
