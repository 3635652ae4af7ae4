"""What a process of a Ray cluster does: it makes the project's code ready, works with it, and tells on what machine."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlops_lab.errors import EnvironmentFault, MlopsError
from mlops_lab.training.environment import Environment, describe_environment
from mlops_lab.training.pipeline import Pipeline, run_pipeline

_SHOWN = 5


@dataclass(frozen=True)
class PipelineFiles:
    """The code of a project on its way: its files by their paths, and as what module `pipeline.py` runs."""

    files: Mapping[str, bytes]
    module: str
    fingerprint: str


@dataclass(frozen=True)
class Outcome:
    """The result of the work, or the error that it ended with; and the environment that it was done in."""

    result: Any
    error: MlopsError | None
    environment: Environment


def pack(pipeline: Pipeline) -> Pipeline | PipelineFiles:
    """What travels: the files; or, of a pipeline that was not read from files, its functions themselves."""
    if pipeline.folder is None:
        return pipeline
    return PipelineFiles(pipeline.code, pipeline.model.__module__, pipeline.fingerprint)


def do_work(*parts: bytes) -> bytes:
    """The outcome of `work(pipeline, *arguments)`. The parts: the environment in which the result is needed, the work,
    what `pack` made of the pipeline, and the arguments, each as Ray's pickle writes it; so is the outcome.

    The outcome is an error where the libraries are others than those of that environment.
    """
    from ray import cloudpickle  # there is Ray, where this runs

    here, work, sent, *arguments = map(cloudpickle.loads, parts)
    there = describe_environment()
    try:
        check_same(here, there)
        with unpack(sent) as pipeline:
            outcome = Outcome(work(pipeline, *arguments), None, there)
    except MlopsError as error:
        outcome = Outcome(None, error, there)
    return bytes(cloudpickle.dumps(outcome))


def check_same(here: Environment, there: Environment) -> None:
    """EnvironmentFault where Python, the kind of machine, or a package that both have is not the same: another release
    of a library may make another model of the same rows."""
    found, wanted = _versions(there), _versions(here)
    differing = [
        f"{name} {found[name]} (here {wanted[name]})"
        for name in sorted(wanted.keys() & found.keys())
        if found[name] != wanted[name]
    ]
    if differing:
        more = f" and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
        raise EnvironmentFault(
            f"the Ray cluster has other versions: {', '.join(differing[:_SHOWN])}{more}",
            code="ray_other_versions",
            where="mlops.toml, [training] on",
            hint="install on its nodes what is installed here: `mlops env export --to pip --dir env` writes the list",
        )


def _versions(environment: Environment) -> dict[str, str]:
    """The versions of what makes a model. This package is not among them: its code travels with the work."""
    packages = {package.name: package.version for package in reversed(environment.packages)}
    packages.pop("mlops-lab", None)
    return {"Python": environment.python, "the machine": f"{environment.system} {environment.machine}", **packages}


@contextmanager
def unpack(sent: Pipeline | PipelineFiles) -> Iterator[Pipeline]:
    """The pipeline, while its files lie in a folder of their own."""
    if isinstance(sent, Pipeline):
        yield sent
        return
    with tempfile.TemporaryDirectory(prefix="mlops-") as name:
        folder = Path(name)
        for path, content in sent.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        yield run_pipeline(folder, sent.files, name=sent.module, fingerprint=sent.fingerprint)
