"""The packages that an image needs: those that answer, those that read and write files, or all of the environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlops_lab.exporters.environments.lock import lock_all, lock_some
from mlops_lab.exporters.environments.source import EnvironmentSource
from mlops_lab.registry.engine_kinds import ENGINES
from mlops_lab.registry.engines.forest import has_kernel

Purpose = Literal["serving", "batch", "training"]

ANSWERING = ("cryptography", "msgspec", "numpy", "polars", "tzdata")
SERVER = ("httptools", "uvicorn", "uvloop")
FILES = ("backports.zstd", "chardet", "deltalake", "rich", "typer")
SWAGGER_PAGE = "flask-swagger-ui"
"""For its files: it comes without Flask."""
_OPENMP = "libgomp1"
_XGBOOST = ("xgboost-cpu", "xgboost")


@dataclass(frozen=True)
class ImagePackages:
    """Requirements with hashes, and packages of the system (Debian's names)."""

    requirements: str
    system: tuple[str, ...] = ()


def choose_packages(
    source: EnvironmentSource, purpose: Purpose, *, engine: str, online_store: str = "memory"
) -> ImagePackages:
    """The packages of an image, locked in the versions of the environment.

    No library that trains is among them, but for models that only the library that trained them can read
    (`[model] runner`). InvalidInput where the environment lacks a package that is needed; EnvironmentFault where no
    lock can be made.
    """
    if purpose == "training":
        return ImagePackages(lock_all(source), (_OPENMP,))
    names, alone = [*ANSWERING], []
    if purpose == "serving":
        names += [*SERVER, *(["redis"] if online_store != "memory" else [])]
        alone.append(SWAGGER_PAGE)
    else:
        names += FILES
    system: tuple[str, ...] = ()
    if ENGINES[engine].needs_runner:
        installed = {package.name for package in source.packages}
        names += ["pandas", "scikit-learn"]
        names += [name for name in _XGBOOST if name in installed][:1] if engine == "xgboost" else ["skops"]
    elif engine == "onnx":
        alone.append("onnxruntime")  # what it needs beside NumPy is for its tools
    elif engine == "lightgbm" or not has_kernel():
        alone.append("lightgbm")  # its library alone is loaded: SciPy stays outside
        system = (_OPENMP,)
    return ImagePackages(lock_some(source, names, alone=alone), system)
