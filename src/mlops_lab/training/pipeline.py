"""The project's own code: `pipeline.py`, with `features`, `model` and, for tuning, an optional `space`."""

from __future__ import annotations

import importlib.util
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from mlops_lab.errors import EnvironmentFault, InvalidInput
from mlops_lab.features.definition import Features
from mlops_lab.ids import hash_bytes
from mlops_lab.project import PIPELINE_NAME, Project, Settings
from mlops_lab.training.code_files import find_code, module_names


@dataclass(frozen=True)
class Pipeline:
    """What `pipeline.py` defines, and a hash of its text, the settings that matter and the files that it needs.

    `code` are all these files by their paths below `folder` (None: it was not read from files).
    """

    features: Features
    model: Callable[..., Any]
    fingerprint: str
    space: Callable[[Any], Any] | None = None
    code: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    folder: Path | None = None


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
    code = find_code(project.root)
    others = [content for name, content in code.items() if name != PIPELINE_NAME]
    fingerprint = hash_bytes([code[PIPELINE_NAME], settings_that_matter(project.settings), *others])
    return run_pipeline(project.root, code, name=f"{project.name}_pipeline", fingerprint=fingerprint)


def run_pipeline(folder: Path, code: Mapping[str, bytes], *, name: str, fingerprint: str) -> Pipeline:
    """What `pipeline.py` of the folder defines, as the module `name`; `code` are the files that it needs."""
    # OpenMP reads it when a library that trains loads it. Threads that wait for each other then sleep; by default they
    # spin, and take the cores from the threads they wait for: with other processes at work, LightGBM took six times as
    # much CPU for the same model.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    path = folder / PIPELINE_NAME
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    for other in module_names(code):  # imported for an earlier training: the file may have changed
        sys.modules.pop(other, None)
    try:
        with importing_from(folder):
            spec.loader.exec_module(module)
    except InvalidInput:
        raise
    except Exception as error:  # the user's code may raise anything: report it with its line
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
            f"space is a {type(space).__name__}, not a function",
            code="bad_pipeline",
            where=PIPELINE_NAME,
            hint="define `def space(trial): return {...}`, or give it another name",
        )
    features.as_dict()  # what cannot be written into a package is refused before any work is spent
    return Pipeline(features, model, fingerprint, space, code, folder)


@contextmanager
def importing_from(folder: Path | None) -> Iterator[None]:
    """`pipeline.py` can import what lies beside it, as a script can."""
    if folder is None:
        yield
        return
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def settings_that_matter(settings: Settings) -> bytes:
    """The settings by which one candidate differs from another, in effect: from every layer, without comments.

    Left out is what neither makes nor judges a model: [serving], [triggers], [rollout], [ab], [alerts], [[readiness]],
    [tracking], [lake]; and where the data are and [training], because the rows themselves are part of a candidate's
    identity.
    [gates] and [backtest] stay in: a candidate that was refused under one limit is a new one under another.
    """
    values = msgspec.to_builtins(settings)
    for section in ("serving", "triggers", "rollout", "ab", "alerts", "readiness", "training", "tracking", "lake"):
        del values[section]
    for table in (values["source"], *values["tables"].values()):
        for key in ("data", "query", "rename", "skip"):
            del table[key]
    return msgspec.json.encode(values, order="sorted")


def run_project_code(pipeline: Pipeline, work: Callable[[], Any]) -> Any:
    """The result of `work`, which calls the project's code; whatever that raises is reported with its line."""
    try:
        with importing_from(pipeline.folder):
            return work()
    except Exception as error:
        code = getattr(pipeline.model, "__code__", None)
        raise explain_failure(error, code.co_filename if code else "") from error


def explain_failure(error: Exception, path: str) -> InvalidInput:
    """The error for what the project's code raised, with the line in the file `path` that it came from."""
    if isinstance(error, OSError) and "libgomp" in str(error):  # the machine lacks it; the code is right
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
        hint="fix the line and run it again",
    )
