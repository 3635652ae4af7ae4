"""What is exported for Kubeflow Pipelines, compiled and run by kfp in an environment of its own: the same version."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tool_runs import export, live_version, refuse_all, run

pytestmark = [pytest.mark.tools, pytest.mark.exporter("kubeflow"), pytest.mark.timeout(1200)]

RUN = """
import json, sys
from kfp import local
import pipelines

local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root="outputs", raise_on_error=False)
print(json.dumps([getattr(pipelines, name)(project=sys.argv[1]).outputs for name in sys.argv[2:]]))
"""


def run_pipelines(folder: Path, *names: str) -> list[dict[str, Any]]:
    (folder / "run_here.py").write_text(RUN)
    done = run(["python", "run_here.py", str(folder.parent), *names], folder, tool="kubeflow")
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_kubeflow_makes_the_same_version(week: Path, week_fingerprint: str) -> None:
    folder = export("kubeflow", week)
    trained, ticked = run_pipelines(folder, "train", "loop")
    assert trained == {"Output": week_fingerprint}
    assert ticked == {"Output": []}
    assert live_version(week) == 1


def test_the_compiled_pipelines(week: Path) -> None:
    folder = export("kubeflow", week)
    run(["python", "pipelines.py"], folder, tool="kubeflow", MLOPS_IMAGE="registry.example/flights:7")
    pipeline, platform = yaml.safe_load_all((folder / "train.yaml").read_text())
    tasks, executors = pipeline["root"]["dag"]["tasks"], pipeline["deploymentSpec"]["executors"]
    assert (list(tasks), tasks["run"]["dependentTasks"]) == (["check", "run"], ["check"])
    assert {item["container"]["image"] for item in executors.values()} == {"registry.example/flights:7"}
    assert "pip install" not in str(executors), "nothing is installed when a task starts"
    assert "enableCache" not in str(tasks), "a lake changes from run to run"
    mounted = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["exec-run"]["pvcMount"]
    assert [(item["constant"], item["mountPath"]) for item in mounted] == [("flights-project", "/project")]


def test_a_gate_that_refuses_fails_the_pipeline(week: Path) -> None:
    refuse_all(week)
    (trained,) = run_pipelines(export("kubeflow", week), "train")
    assert trained == {}
    assert live_version(week) is None
