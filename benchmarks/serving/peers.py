"""The peers: each in its own environment (`make peers`), served as its documentation says, by one worker like ours."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from serving.process import free_port
from serving.servers import HERE, Command, Rows, Server
from serving.work import MODEL, Work

ENVIRONMENTS = HERE.parents[1] / ".peers"
KINDS = {str: "BYTES", int: "INT64", float: "FP64"}  # of the Open Inference Protocol


def is_installed(peer: Server) -> bool:
    """Whether `make peers` has made its environment."""
    return (ENVIRONMENTS / peer.name / ".ready").is_file()


def tool(peer: str, name: str) -> str:
    """A program of a peer's environment."""
    return str(ENVIRONMENTS / peer / "bin" / name)


def script(peer: str) -> Command:
    """A server that is a Python file of a few lines."""

    def command(work: Work, folder: Path, port: int) -> Sequence[str]:
        del folder
        return [tool(peer, "python"), str(HERE / "with" / f"with_{peer}.py"), str(work.folder / MODEL), str(port)]

    return command


def serve_with_mlflow(work: Work, folder: Path, port: int) -> Sequence[str]:
    """`mlflow models serve` on the pipeline, saved with a signature."""
    del folder
    saved = work.folder / "mlflow-model"
    if not saved.exists():
        rows = work.folder / "rows.json"
        rows.write_text(json.dumps(work.rows))
        command = [tool("mlflow", "python"), HERE / "with/with_mlflow.py", work.folder / MODEL, rows, saved]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    where = ["--model-uri", str(saved), "--host", "127.0.0.1", "--port", str(port)]
    found = f"PATH={ENVIRONMENTS / 'mlflow/bin'}:{os.environ['PATH']}"  # it looks for uvicorn there
    return ["/usr/bin/env", found, tool("mlflow", "mlflow"), "models", "serve", *where, "--env-manager", "local"]


def serve_with_bentoml(work: Work, folder: Path, port: int) -> Sequence[str]:
    """`bentoml serve` on a service class."""
    del folder
    environment = ["/usr/bin/env", f"MODEL={work.folder / MODEL}", "BENTOML_DO_NOT_TRACK=True"]
    where = ["--working-dir", str(HERE / "with"), "--host", "127.0.0.1", "--port", str(port)]
    return [*environment, tool("bentoml", "bentoml"), "serve", "with_bentoml:Flights", *where]


def serve_with_mlserver(work: Work, folder: Path, port: int) -> Sequence[str]:
    """`mlserver start` with its scikit-learn runtime."""
    ports = {"http_port": port, "grpc_port": free_port(), "metrics_port": free_port()}
    (folder / "settings.json").write_text(json.dumps({"host": "127.0.0.1", "debug": False, **ports}))
    served = {"name": "flights", "implementation": "mlserver_sklearn.SKLearnModel"}
    parameters = {"uri": str(work.folder / MODEL), "content_type": "pd"}
    (folder / "model-settings.json").write_text(json.dumps({**served, "parameters": parameters}))
    return [tool("mlserver", "mlserver"), "start", str(folder)]


def to_mlflow(rows: Rows) -> Any:
    """MLflow's `dataframe_split`, the smaller and faster of its forms."""
    return {"dataframe_split": {"columns": list(rows[0]), "data": [list(row.values()) for row in rows]}}


def to_tensors(rows: Rows) -> Any:
    """The Open Inference Protocol's form: a tensor for each column, which MLServer reads as a frame."""
    inputs = []
    for name, value in rows[0].items():
        kind = KINDS[type(value)]
        tensor = {"name": name, "shape": [len(rows), 1], "datatype": kind, "data": [row[name] for row in rows]}
        inputs.append({**tensor, "parameters": {"content_type": "str"}} if kind == "BYTES" else tensor)
    return {"parameters": {"content_type": "pd"}, "inputs": inputs, "outputs": [{"name": "predict_proba"}]}


PEERS = [
    Server("fastapi", "/predict", script("fastapi"), lambda rows: rows, list, is_peer=True),
    Server(
        "mlflow",
        "/invocations",
        serve_with_mlflow,
        to_mlflow,
        lambda answer: [yes for _, yes in answer["predictions"]],
        is_peer=True,
    ),
    Server(
        "kserve",
        "/v1/models/flights:predict",
        script("kserve"),
        lambda rows: {"instances": rows},
        lambda answer: answer["predictions"],
        is_peer=True,
    ),
    Server("bentoml", "/predict", serve_with_bentoml, lambda rows: {"flights": rows}, list, is_peer=True),
    Server(
        "mlserver",
        "/v2/models/flights/infer",
        serve_with_mlserver,
        to_tensors,
        lambda answer: answer["outputs"][0]["data"][1::2],
        is_peer=True,
    ),
    Server(
        "litserve",
        "/predict",
        script("litserve"),
        lambda rows: {"flights": rows},
        lambda answer: answer["output"],
        is_peer=True,
    ),
]
