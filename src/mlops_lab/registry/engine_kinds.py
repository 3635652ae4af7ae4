"""The list of engines. It imports none of them: that happens when a package that needs one is opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class MlflowFlavor:
    """The entry of MLmodel by which MLflow's own loaders read the model file: its name, and its keys beside `data`.

    `version_of` names an installed package whose version is written as `<name>_version`.
    """

    name: str
    keys: Mapping[str, object] = field(default_factory=dict)
    version_of: str | None = None


@dataclass(frozen=True, kw_only=True)
class EngineKind:
    """A kind of engine: the model file that it reads, and the module whose `open_engine` opens it.

    `reads_lightgbm_text`: the model file is LightGBM's text; all such engines give the same answers to the last bit.
    `needs_runner`: only the library that trained the model can read the file. It does so in a separate process, which
    the project must allow; `registry.runner.readers` has its reader. `flavor`: None where MLflow reads the model
    through this package alone.
    """

    name: str
    model_file: str
    module: str
    reads_lightgbm_text: bool = False
    needs_runner: bool = False
    flavor: MlflowFlavor | None = None


_ENGINES = "mlops_lab.registry.engines"
_LIGHTGBM = MlflowFlavor(name="lightgbm", keys={"model_class": "lightgbm.basic.Booster", "code": None})
_ONNX = MlflowFlavor(name="onnx", keys={"providers": ["CPUExecutionProvider"], "code": None}, version_of="onnx")
ENGINES = {
    kind.name: kind
    for kind in (
        EngineKind(
            name="forest",
            model_file="model.txt",
            module=f"{_ENGINES}.forest",
            reads_lightgbm_text=True,
            flavor=_LIGHTGBM,
        ),
        EngineKind(
            name="lightgbm",
            model_file="model.txt",
            module=f"{_ENGINES}.lightgbm",
            reads_lightgbm_text=True,
            flavor=_LIGHTGBM,
        ),
        EngineKind(name="onnx", model_file="model.onnx", module=f"{_ENGINES}.onnx", flavor=_ONNX),
        EngineKind(name="xgboost", model_file="model.json", module=f"{_ENGINES}.runner", needs_runner=True),
        EngineKind(name="skops", model_file="model.skops", module=f"{_ENGINES}.runner", needs_runner=True),
    )
}


def model_file(engine: str) -> str:
    """The name of the file that an engine reads."""
    return ENGINES[engine].model_file
