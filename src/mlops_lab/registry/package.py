"""A package: the folder that a version is served from. Nothing in it is code that serving could execute.

MLmodel            MLflow's description: signature, flavors, run
model.txt          the LightGBM model as text, for the engines forest and lightgbm; or
model.onnx         any other model as an ONNX graph; or, for a runner,
model.json         an XGBoost model, or
model.skops        an estimator of scikit-learn
plan.json          request fields, feature definition, categories: how a request becomes the model's input
agreement.json     which engines were tried, and how well each agrees with the model that was trained
profile.json       the distribution of the training data, to measure drift
requirements.txt   the packages that it was trained with
environment.json   the same with hashes of their files; Python, machine, threads
lineage.json       which data, rows, code and settings it was trained with
code/              the project's files that it was trained with; only `mlops reproduce` runs them
model.sig          a signature over all these files (registry.signing), where the project signs
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from mlops_lab.errors import EnvironmentFault
from mlops_lab.ids import hash_bytes
from mlops_lab.registry.engine_kinds import ENGINES, model_file
from mlops_lab.registry.signing.package_files import PackageFiles, open_files
from mlops_lab.registry.trust import home_of

AGREEMENT_FILE = "agreement.json"
PLAN_FILE = "plan.json"
PROFILE_FILE = "profile.json"
LINEAGE_FILE = "lineage.json"
ENVIRONMENT_FILE = "environment.json"
REQUIREMENTS_FILE = "requirements.txt"
CODE_FOLDER = "code"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How a request becomes a prediction.

    `request` and `tables` map fields to their types as in mlops.toml; `features` is the definition as data;
    `categories` maps an input that is text to its values, in the order of their codes (LightGBM's models only); `texts`
    names all inputs that are text (for a runner, because its files do not tell). `classes` are those of a multiclass
    task, `outputs` the index among them of each class that the engine knows. `scale` is the standard deviation of the
    number that a regression predicts. (Format 1 had only binary tasks and LightGBM.)
    """

    format: int = 2
    engine: str = "lightgbm"
    task: str = "binary"
    classes: list[str] = []
    outputs: list[int] = []
    scale: float = 1.0
    request: dict[str, str]
    time: str
    tables: dict[str, dict[str, str]]
    features: dict[str, Any]
    categories: dict[str, list[str]]
    texts: list[str] = []


class _EngineName(msgspec.Struct):
    engine: str = "lightgbm"


@dataclass(frozen=True)
class Package:
    """A package that was read and checked: its files, its plan, and the content of the file that its engine reads.

    Whatever answers is made of these bytes; the folder is not read again.
    """

    files: PackageFiles
    plan: Plan
    model: bytes

    @property
    def path(self) -> Path:
        """Its folder."""
        return self.files.path


def open_package(path: Path, *, fingerprint: str | None = None, home: Path | None = None) -> Package:
    """The package in `path`, for the project with the state folder `home`; None: the one in whose `.mlops` it lies.

    EnvironmentFault where a file is missing, the content is not what was registered (`fingerprint`), the project signs
    and no key that it trusts has signed the package, or the format is newer than this program.
    """
    files = open_files(path, home=home or home_of(path))
    plan = files.read(PLAN_FILE)
    name = _model_name(plan)
    model = files.read(name) if name else b""
    if fingerprint is not None and fingerprint_content(model, plan) != fingerprint:
        raise EnvironmentFault(
            "is not what was registered: a file was changed",
            code="package_changed",
            where=str(path),
            hint="restore the folder, or go back to the version before, if there is one: `mlops rollback`",
        )
    return Package(files, _decode_plan(plan, path / PLAN_FILE), model)


def load_plan(path: Path, *, fingerprint: str | None = None, home: Path | None = None) -> Plan:
    """The plan of the package in `path`; see `open_package`."""
    return open_package(path, fingerprint=fingerprint, home=home).plan


def read_file(path: Path, name: str) -> bytes:
    """The content of one file of the package in `path`, checked where the project signs. EnvironmentFault where it is
    missing, or the package was changed."""
    return open_files(path, home=home_of(path)).read(name)


def package_fingerprint(path: Path) -> str:
    """SHA-256 of all that decides the package's answers: the plan, and the model file that the plan's engine reads.

    Other files in the folder do not count.
    """
    files = open_files(path, home=None)
    plan = files.read(PLAN_FILE)
    name = _model_name(plan)
    return fingerprint_content(files.read(name) if name else b"", plan)


def fingerprint_content(model: bytes, plan: bytes) -> str:
    """The fingerprint of a package that is not on disk yet."""
    return hash_bytes([model, plan])


def write_plan(plan: Plan) -> bytes:
    """The plan as the bytes that are stored and hashed."""
    return msgspec.json.format(msgspec.json.encode(plan, order="deterministic"))


def _model_name(plan: bytes) -> str | None:
    """The name of the model file; None where it is no plan, which is refused when it is decoded."""
    try:
        return model_file(msgspec.json.decode(plan, type=_EngineName).engine)
    except (msgspec.DecodeError, KeyError):
        return None


def _decode_plan(content: bytes, path: Path) -> Plan:
    try:
        plan = msgspec.json.decode(content, type=Plan)
    except msgspec.DecodeError as error:
        raise EnvironmentFault(
            f"is not a plan: {error}", code="bad_package", where=str(path), hint="register the version again"
        ) from None
    if plan.format not in {1, 2} or plan.engine not in ENGINES:
        raise EnvironmentFault(
            f"format {plan.format}, engine {plan.engine} is unknown",
            code="bad_package",
            where=str(path),
            hint="upgrade mlops-lab",
        )
    return plan
