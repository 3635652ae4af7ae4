"""The engines there are. Nothing is imported here: an engine's module is, when a package of it is opened."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class EngineKind:
    """A kind of engine: the model file that it reads, and the module whose `open_engine` opens it.

    `reads_lightgbm_text`: its model file is LightGBM's text, and all such engines answer the same to the last bit.
    `needs_runner`: only its own library can read the model file, in a separate process that the project must allow.
    """

    name: str
    model_file: str
    module: str
    reads_lightgbm_text: bool = False
    needs_runner: bool = False


_HERE = "mlops_lab.registry.engines"
ENGINES = {
    kind.name: kind
    for kind in (
        EngineKind(name="forest", model_file="model.txt", module=f"{_HERE}.forest", reads_lightgbm_text=True),
        EngineKind(name="lightgbm", model_file="model.txt", module=f"{_HERE}.lightgbm", reads_lightgbm_text=True),
        EngineKind(name="onnx", model_file="model.onnx", module=f"{_HERE}.onnx"),
        EngineKind(name="xgboost", model_file="model.json", module=f"{_HERE}.runner", needs_runner=True),
        EngineKind(name="skops", model_file="model.skops", module=f"{_HERE}.runner", needs_runner=True),
    )
}


def model_file(engine: str) -> str:
    """The name of the file that an engine reads."""
    return ENGINES[engine].model_file
