"""The folder of an MLflow model: which file holds the model, and whether it can be read without executing code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import yaml

from mlops_lab.errors import InvalidInput
from mlops_lab.ids import hash_bytes
from mlops_lab.training.exported import PICKLE_SUFFIXES, is_pickle

MLMODEL = "MLmodel"
_FILE_KEYS = {"lightgbm": "data", "xgboost": "data", "sklearn": "pickled_model"}
"""The flavours that can be imported, and where each of them names its file."""
_CONVERT = {
    "lightgbm": 'mlflow.lightgbm.log_model(model.booster_, name="model"), which is LightGBM\'s own text',
    "xgboost": 'mlflow.xgboost.log_model(model, name="model", model_format="json")',
    "sklearn": 'mlflow.sklearn.log_model(model, name="model", serialization_format="skops")',
}
_PICKLED = {"pickle", "cloudpickle"}


@dataclass(frozen=True)
class ForeignFile:
    """The file of a model: its flavour, its name, its content, the inputs that its signature names (none: it has
    no signature), and when it was made."""

    flavor: str
    name: str
    content: bytes
    inputs: tuple[str, ...] = ()
    created_at: datetime | None = None

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of flavour and content."""
        return hash_bytes([self.flavor.encode(), self.content])


def read_foreign(folder: Path) -> ForeignFile:
    """The model of a folder. InvalidInput where it is no MLflow model, of a flavour that cannot be imported, or a
    pickle, with how to convert it."""
    described = _read_mlmodel(folder / MLMODEL)
    flavors = described.get("flavors")
    flavors = flavors if isinstance(flavors, dict) else {}
    known = next((name for name in _FILE_KEYS if isinstance(flavors.get(name), dict)), None)
    if known is None:
        listed = ", ".join(sorted(map(str, flavors))) or "none"
        raise InvalidInput(
            f"its flavours cannot be imported: {listed}",
            code="unsupported_flavor",
            where=str(folder / MLMODEL),
            hint="log it as sklearn (skops), lightgbm or xgboost; or as an ONNX file, whose path model() returns",
        )
    values: dict[str, Any] = flavors[known]
    name = str(values.get(_FILE_KEYS[known]))
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise InvalidInput(
            f'its file "{name}" is not in the folder',
            code="damaged_model",
            where=str(folder / MLMODEL),
            hint="download the whole model again",
        )
    if path.suffix in PICKLE_SUFFIXES or is_pickle(path) or _is_said_to_be_pickle(values, path):
        raise InvalidInput(
            f'"{name}" is a pickle: to load it is to run whatever code it holds',
            code="pickle_refused",
            where=str(folder / MLMODEL),
            hint=f"where it was trained: {_CONVERT[known]}",
        )
    return ForeignFile(known, name, path.read_bytes(), _input_names(described), _created_at(described))


def _read_mlmodel(path: Path) -> dict[str, Any]:
    try:
        described = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        described = None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidInput(
            f"cannot be read: {str(error).splitlines()[0]}", code="damaged_model", where=str(path), hint="log it again"
        ) from None
    if not isinstance(described, dict):
        raise InvalidInput(
            "is no MLflow model: it has no such file, or an empty one",
            code="no_mlmodel",
            where=str(path),
            hint="name a run, models:/NAME/VERSION, runs:/RUN/PATH, or the folder that holds MLmodel",
        )
    return described


def _created_at(described: dict[str, Any]) -> datetime | None:
    try:
        return datetime.fromisoformat(str(described.get("utc_time_created"))).replace(tzinfo=UTC)
    except ValueError:
        return None


def _is_said_to_be_pickle(values: dict[str, Any], path: Path) -> bool:
    """Whether the flavour itself says so; of LightGBM it says it beside native files, too."""
    return values.get("serialization_format") in _PICKLED and path.suffix != ".lgb"


def _input_names(described: dict[str, Any]) -> tuple[str, ...]:
    signature = described.get("signature")
    text = signature.get("inputs") if isinstance(signature, dict) else None
    if not isinstance(text, str):
        return ()
    try:
        columns = msgspec.json.decode(text, type=list[dict[str, Any]])
    except msgspec.MsgspecError:
        return ()
    names = tuple(column.get("name") for column in columns)
    return tuple(str(name) for name in names) if all(names) else ()
