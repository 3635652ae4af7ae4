"""The project's own code: `pipeline.py`, with `features`, `model` and, where it says what to tune, `space`."""

from __future__ import annotations

import importlib.util
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.features.definition import Features
from mlops_lab.ids import hash_bytes
from mlops_lab.project import PIPELINE_NAME, Project, Settings


@dataclass(frozen=True)
class Pipeline:
    """What `pipeline.py` defines, and the hash of its text, the settings that matter and the ONNX files beside it."""

    features: Features
    model: Callable[..., Any]
    fingerprint: str
    space: Callable[[Any], Any] | None = None


def load_pipeline(project: Project) -> Pipeline:
    """Run `pipeline.py`. InvalidInput names the line that failed, or what the file lacks."""
    path = project.pipeline_path
    if not path.is_file():
        raise InvalidInput(
            "does not exist",
            code="no_pipeline",
            where=str(path),
            hint="define `features` and `model` in it; examples/flights/pipeline.py is a model to follow",
        )
    spec = importlib.util.spec_from_file_location(f"{project.name}_pipeline", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except InvalidInput:
        raise
    except Exception as error:  # it is the user's code: whatever it raises is told with its line
        raise explain_failure(error, str(path)) from error
    features, model = getattr(module, "features", None), getattr(module, "model", None)
    if not isinstance(features, Features) or not callable(model):
        lacking = "features" if not isinstance(features, Features) else "model"
        raise InvalidInput(
            f"defines no {lacking}",
            code="bad_pipeline",
            where=PIPELINE_NAME,
            hint="define `features = Features(...)` and `def model(): return LGBMClassifier(...)`",
        )
    space = getattr(module, "space", None)
    if space is not None and not callable(space):
        raise InvalidInput(
            f"space is a {type(space).__name__}, no function",
            code="bad_pipeline",
            where=PIPELINE_NAME,
            hint="define `def space(trial): return {...}`, or name it otherwise",
        )
    features.as_dict()  # what cannot be written into a package is refused before any work is spent
    graphs = [graph.read_bytes() for graph in sorted(project.root.glob("*.onnx"))]  # models that were trained elsewhere
    fingerprint = hash_bytes([path.read_bytes(), settings_that_matter(project.settings), *graphs])
    return Pipeline(features, model, fingerprint, space)


def settings_that_matter(settings: Settings) -> bytes:
    """The settings by which one candidate differs from another, as they hold: from whichever layer, without comments.

    What is left out makes no model and judges none: [serving], [triggers] and [rollout], which come before or after,
    and where the data lie, because the rows themselves are part of a candidate's identity. [gates] and [backtest] stay
    in: a candidate that was refused by one limit is a new one under another.
    """
    told = msgspec.to_builtins(settings)
    for section in ("serving", "triggers", "rollout"):
        del told[section]
    for table in (told["source"], *told["tables"].values()):
        for key in ("data", "query", "rename", "skip"):
            del table[key]
    return msgspec.json.encode(told, order="sorted")


def explain_failure(error: Exception, path: str) -> InvalidInput:
    """What the project's code raised, with the line of the file in `path` that it came from."""
    if isinstance(error, OSError) and "libgomp" in str(error):  # not in the code: the machine lacks it
        raise EnvironmentFault(
            f"LightGBM's library does not load: {error}",
            code="no_engine",
            where=PIPELINE_NAME,
            hint="install the OpenMP runtime (Debian: apt-get install libgomp1)",
        ) from error
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    line = lines[-1] if lines else getattr(error, "lineno", None)
    return InvalidInput(
        f"{type(error).__name__}: {error}",
        code="bad_pipeline",
        where=f"{PIPELINE_NAME}, line {line}" if line else PIPELINE_NAME,
        hint="mend the line and run it again",
    )
