"""A model that was trained elsewhere and exported as an ONNX file. Files that run code when loaded are refused."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

from mlops_lab.errors import InvalidInput
from mlops_lab.registry.engines.base import Engine, ModelFile

PICKLE_SUFFIXES = frozenset({".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle", ".pt", ".pth"})
"""The suffixes of files that run code when they are loaded."""


def open_exported(path: Path, inputs: Sequence[str]) -> Engine:
    """The engine of an ONNX file; InvalidInput where the file is a pickle, another format, or for other inputs."""
    if path.suffix.lower() in PICKLE_SUFFIXES or is_pickle(path):
        raise InvalidInput(
            f'"{path}" is a pickle: to load it is to run whatever code it holds',
            code="pickle_refused",
            where="pipeline.py, model()",
            hint="return the estimator itself, to be trained here; or an ONNX file, written where it was trained "
            "(skl2onnx, torch.onnx.export, tf2onnx)",
        )
    if path.suffix != ".onnx" or not path.is_file():
        raise InvalidInput(
            f'"{path}" is not an ONNX file',
            code="no_onnx",
            where="pipeline.py, model()",
            hint="return an estimator, or the path of a file that torch.onnx.export or tf2onnx wrote (*.onnx)",
        )
    from mlops_lab.registry.engines.onnx import OnnxEngine  # ONNX Runtime takes 0.1 s and 40 MB: only where it is used

    return OnnxEngine(ModelFile(path, path.read_bytes()), inputs)


def is_pickle(path: Path) -> bool:
    """Whether the content is a pickle, or PyTorch's archive of one, whatever the file is called."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith(".pkl") for name in archive.namelist())
    if not path.is_file():
        return False
    with path.open("rb") as file:
        begin = file.read(2)
    return begin[:1] == b"\x80" and begin[1:] in {bytes([protocol]) for protocol in range(2, 6)}
