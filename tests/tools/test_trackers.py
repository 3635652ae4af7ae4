"""The project's runs, logged by each tracker's own library and read back by it: what the project's MLflow has."""

from __future__ import annotations

import json
import re
import subprocess
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from live_projects import live_project, template
from mlflow.tracking import MlflowClient
from pages import free_port
from running import MLOPS
from tool_runs import environment, export, run

from mlops_lab.project import Project

__all__ = ["live_project", "template"]
pytestmark = [pytest.mark.tools, pytest.mark.timeout(600)]
Figures = dict[str, Any]


@pytest.fixture(scope="module")
def tuned(live_project: Project) -> Project:
    """The project with a training, and a study of two trials."""
    run([*MLOPS, "tune", "--trials", "2"], live_project.root)
    return live_project


@pytest.fixture(scope="module")
def wanted(tuned: Project) -> dict[str, Figures]:
    """What MLflow's client reads from the project's own store."""
    return read_mlflow(f"sqlite:///{tuned.mlflow_path / 'mlflow.db'}", tuned.name)


def read_mlflow(address: str, name: str, *, id_tag: str = "") -> dict[str, Figures]:
    client, found = MlflowClient(address), {}
    experiment = client.get_experiment_by_name(name)
    assert experiment is not None
    for item in client.search_runs([experiment.experiment_id]):
        histories = {key: client.get_metric_history(item.info.run_id, key) for key in item.data.metrics}
        is_curve = {key for key in histories if key.startswith("holdout/")}
        found[item.data.tags[id_tag] if id_tag else item.info.run_id] = {
            "parameters": dict(item.data.params),
            "metrics": {key: value for key, value in item.data.metrics.items() if key not in is_curve},
            "curves": {key: [[point.timestamp / 1000, point.value] for point in histories[key]] for key in is_curve},
        }
    assert [len(figures["curves"]) for figures in found.values()].count(2) == 1
    return found


READ_EVENTS = """
import json
from pathlib import Path
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

found = {}
for folder in Path("runs").iterdir():
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
    events.Reload()
    scalars = {tag: [[point.wall_time, point.value] for point in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
    start = plugin_data_pb2.HParamsPluginData.FromString(
        events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    ).session_start_info
    found[start.group_name] = {
        "parameters": {name: value.string_value for name, value in start.hparams.items()},
        "scalars": scalars,
        "text": events.Tensors("run")[0].tensor_proto.string_val[0].decode(),
    }
print(json.dumps(found))
"""


@pytest.mark.exporter("tensorboard")
def test_tensorboard_reads_every_figure(tuned: Project, wanted: dict[str, Figures]) -> None:
    folder = export("tensorboard", tuned.root)
    for _ in range(2):  # again: nothing is there twice
        run(["python", "log_runs.py"], folder, tool="tensorboard")
    found = json.loads(run(["python", "-c", READ_EVENTS], folder, tool="tensorboard").stdout)
    assert found.keys() == wanted.keys()
    for name, figures in wanted.items():
        scalars = found[name]["scalars"]
        assert found[name]["parameters"] == figures["parameters"]
        assert scalars.keys() == {*figures["metrics"], *figures["curves"], "seconds"}
        for key, value in figures["metrics"].items():
            assert [point[1] for point in scalars[key]] == [pytest.approx(value, rel=1e-6)]
        for key, curve in figures["curves"].items():
            assert scalars[key] == [
                [pytest.approx(at, abs=1e-3), pytest.approx(value, rel=1e-6)] for at, value in curve
            ]
        assert "| source | pipeline.py at " in found[name]["text"]
        assert "| dataset parcels | version 0, " in found[name]["text"]
    with serve(
        ["tensorboard", "--logdir", "runs", "--host", "127.0.0.1", "--port", "PORT"], folder, "tensorboard"
    ) as url:
        tags = wait_for(f"{url}/data/plugin/scalars/tags", until=lambda shown: len(shown) == len(wanted))
        assert sum("holdout/loss" in shown for shown in tags.values()) == 1


@pytest.mark.exporter("wandb")
def test_wandb_reads_every_figure(tuned: Project, wanted: dict[str, Figures]) -> None:
    folder = export("wandb", tuned.root)
    for _ in range(2):
        run(["python", "log_runs.py"], folder, tool="wandb")
    files = list(folder.glob("wandb/offline-run-*/run-*.wandb"))
    assert f"Would sync {len(wanted)} run(s)" in run(["wandb", "sync", "--dry-run"], folder, tool="wandb").stderr
    assert {file.stem.removeprefix("run-") for file in files} == wanted.keys()
    assert len(files) == len(wanted)
    for file in files:
        lines = run(["wandb", "leet", "inspect", "--json", str(file)], folder, tool="wandb").stdout.splitlines()
        figures, records = wanted[file.stem.removeprefix("run-")], [json.loads(line) for line in lines]
        config = next(record["run"]["config"]["update"] for record in records if record["type"] == "run")
        assert config["parameters"] == figures["parameters"]
        assert config["source"]["file"] == "pipeline.py"
        assert [table["table"] for table in config["datasets"]] == ["depots", "parcels", "traffic"]
        summary = json.loads(
            run(["wandb", "leet", "inspect", "--summary", "--json", str(file)], folder, tool="wandb").stdout
        )["summary"]
        assert summary["seconds"] > 0
        assert {key: summary[key] for key in figures["metrics"]} == pytest.approx(figures["metrics"])
        curves: dict[str, list[list[float]]] = defaultdict(list)
        for record in records:
            if record["type"] == "history":
                row = record["history"]["item"]
                for key in row.keys() & figures["curves"].keys():
                    curves[key].append([row["at"], row[key]])
        assert curves == {key: [pytest.approx(point) for point in curve] for key, curve in figures["curves"].items()}


READ_QUEUES = """
import json, threading
from pathlib import Path
from neptune.core.components.queue.disk_queue import DiskQueue
from neptune.internal.operation import Operation

found = []
for folder in Path(".neptune/offline").iterdir():
    with DiskQueue(folder, lambda item: item.to_dict(), Operation.from_dict, threading.RLock()) as queue:
        while batch := queue.get_batch(1000):
            found += [[folder.name, item.obj.to_dict()] for item in batch]
print(json.dumps(found))
"""


@pytest.mark.exporter("neptune")
def test_neptune_reads_every_figure(tuned: Project, wanted: dict[str, Figures]) -> None:
    folder = export("neptune", tuned.root)
    for _ in range(2):
        run(["python", "log_runs.py"], folder, tool="neptune")
    found: dict[str, Figures] = defaultdict(lambda: {"parameters": {}, "metrics": {}, "curves": {}})
    for name, operation in json.loads(
        run(["python", "-c", READ_QUEUES], folder, tool="neptune").stdout.splitlines()[-1]
    ):
        kind, *rest = operation["path"]
        if kind in {"parameters", "metrics"}:
            found[name][kind]["/".join(rest)] = operation["value"]
        if kind == "curves":
            points = [[point["ts"], point["value"]] for point in operation["values"]]
            found[name]["curves"].setdefault("/".join(rest), []).extend(points)
    ours = sorted(wanted.values(), key=json.dumps)
    assert sorted(found.values(), key=json.dumps) == sorted(ours, key=json.dumps) or match_all(found.values(), ours)


def match_all(found: Any, wanted: list[Figures]) -> bool:
    """Whether each is found once; times of points are floats."""
    rest = list(found)
    for figures in wanted:
        curves = {key: [pytest.approx(point) for point in curve] for key, curve in figures["curves"].items()}
        rest.remove(next(item for item in rest if item == {**figures, "curves": curves}))
    return not rest


@pytest.mark.exporter("mlflow-runs")
def test_an_mlflow_server_has_every_figure_once(tuned: Project, wanted: dict[str, Figures], tmp_path: Path) -> None:
    folder = export("mlflow-runs", tuned.root, peer="mlflow")
    command = ["mlflow", "server", "--backend-store-uri", f"sqlite:///{tmp_path / 'server.db'}", "--workers", "1"]
    command += ["--default-artifact-root", str(tmp_path / "artifacts"), "--host", "127.0.0.1", "--port", "PORT"]
    with serve(command, tmp_path, "mlflow") as url:
        wait_for(f"{url}/health", until=lambda _: True)
        for _ in range(2):
            assert f"{len(wanted)} runs" in run(["python", "log_runs.py", url], folder, tool="mlflow").stdout
        assert read_mlflow(url, tuned.name, id_tag="mlops.run_id") == wanted
        client = MlflowClient(url)
        experiment = client.get_experiment_by_name(tuned.name)
        assert experiment is not None
        logged = {item.data.tags["kind"]: item for item in client.search_runs([experiment.experiment_id])}
        for item in logged.values():
            assert item.info.end_time > item.info.start_time
            assert item.data.tags["mlflow.source.name"] == "pipeline.py"
            assert {entry.dataset.name for entry in item.inputs.dataset_inputs} == {"parcels", "traffic", "depots"}
        assert logged["trial"].data.tags["mlflow.parentRunId"] == logged["study"].info.run_id
    refused = run(["python", "log_runs.py", url], folder, tool="mlflow", code=1, MLFLOW_HTTP_REQUEST_MAX_RETRIES="0")
    assert refused.stderr.splitlines()[-1] == "hint: is it the address of an MLflow server?"


@contextmanager
def serve(words: list[str], folder: Path, tool: str) -> Iterator[str]:
    """The address of a server that runs in the environment of the tool."""
    port = str(free_port())
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            [port if word == "PORT" else word for word in words],
            cwd=folder,
            env=environment(tool),
            stdout=log,
            stderr=log,
        )
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(60)


def wait_for(url: str, *, until: Any) -> Any:
    """What the server answers, as soon as that is what is waited for."""
    for _ in range(600):
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                text = answer.read().decode()
            found = json.loads(text) if re.match(r"[\[{]", text) else text
        except OSError:
            found = None
        if found is not None and until(found):
            return found
        time.sleep(0.5)
    pytest.fail(f"{url} answers {found}")
