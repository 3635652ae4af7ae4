"""All protocols that a server speaks."""

from __future__ import annotations

from collections.abc import Sequence

from mlops_lab.serving.protocols.azureml import make_azureml
from mlops_lab.serving.protocols.base import MakeProtocol
from mlops_lab.serving.protocols.mlflow import make_mlflow
from mlops_lab.serving.protocols.native import make_native
from mlops_lab.serving.protocols.open_inference import make_open_inference
from mlops_lab.serving.protocols.server import make_server_protocol
from mlops_lab.serving.protocols.vertex import make_vertex

PROTOCOLS: Sequence[MakeProtocol] = (
    make_native,
    make_server_protocol,
    make_open_inference,
    make_mlflow,
    make_vertex,
    make_azureml,
)
"""The first one's form is that of errors at paths that no protocol claims."""
